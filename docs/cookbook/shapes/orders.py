"""Orders of a shop as Shopify's Admin API gives them: pages of orders, amounts as texts, line items in a list."""

import random

from shapes.archive import dumps, write_tar

PRODUCTS = [("TEA-01", "Sencha 100 g", "9.90"), ("CUP-07", "Cup, blue", "14.50"), ("POT-02", "Tea pot", "39.00")]


def make(out):
    """A tar.gz of 6 pages with 20 orders each."""
    rng = random.Random(10)
    pages = [[_order(rng, page * 20 + number) for number in range(20)] for page in range(6)]
    write_tar(out, [(f"orders/page-{number:03}.json", dumps({"orders": page})) for number, page in enumerate(pages)])


def _order(rng, number):
    lines = [_line(rng, number * 10 + place) for place in range(rng.randrange(1, 4))]
    total = sum(float(line["price"]) * line["quantity"] for line in lines)
    order = {
        "id": 5_900_000_000_000 + number,
        "name": f"#{1001 + number}",
        # With the shop's offset from UTC, which changes in summer.
        "created_at": f"2026-0{rng.randrange(1, 7)}-1{rng.randrange(10)}T09:30:00+0{1 + number % 2}:00",
        "currency": "EUR",
        "total_price": f"{total:.2f}",
        "financial_status": rng.choice(["paid", "paid", "refunded"]),
        "customer": {"id": 70 + rng.randrange(12), "tags": "wholesale, newsletter"},
        "discount_codes": [{"code": "SPRING", "amount": "2.00", "type": "fixed_amount"}] if rng.random() < .3 else [],
        "line_items": lines,
        "note_attributes": [{"name": "gift", "value": "yes"}] if rng.random() < .2 else [],
    }
    if rng.random() < .2:
        # Bought without an account.
        order["customer"] = None
    return order


def _line(rng, identifier):
    sku, title, price = rng.choice(PRODUCTS)
    return {"id": 14_000_000_000_000 + identifier, "sku": sku if rng.random() < .9 else "", "title": title,
            "quantity": rng.randrange(1, 5), "price": price,
            "tax_lines": [{"title": "MwSt", "rate": .19, "price": f"{float(price) * .19 / 1.19:.2f}"}],
            "properties": []}
