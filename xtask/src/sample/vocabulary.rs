//! The airports, carriers and words of the sample documents.

/// An airport, with the city and the country it belongs to.
#[derive(Debug)]
pub(crate) struct Airport {
    /// The code of three letters.
    pub(crate) iata: &'static str,
    /// The code of four letters.
    pub(crate) icao: &'static str,
    /// The city's code of three letters.
    pub(crate) city: &'static str,
    /// The country's codes of two and of three letters.
    pub(crate) country: (&'static str, &'static str),
}

const fn airport(
    iata: &'static str,
    icao: &'static str,
    city: &'static str,
    country: (&'static str, &'static str),
) -> Airport {
    Airport {
        iata,
        icao,
        city,
        country,
    }
}

const RUSSIA: (&str, &str) = ("RU", "RUS");
const KAZAKHSTAN: (&str, &str) = ("KZ", "KAZ");
const TURKEY: (&str, &str) = ("TR", "TUR");

/// Where journeys begin, end and change.
pub(crate) const AIRPORTS: &[Airport] = &[
    airport("SVO", "UUEE", "MOW", RUSSIA),
    airport("DME", "UUDD", "MOW", RUSSIA),
    airport("VKO", "UUWW", "MOW", RUSSIA),
    airport("LED", "ULLI", "LED", RUSSIA),
    airport("SVX", "USSS", "SVX", RUSSIA),
    airport("OVB", "UNNT", "OVB", RUSSIA),
    airport("KJA", "UNKL", "KJA", RUSSIA),
    airport("KZN", "UWKD", "KZN", RUSSIA),
    airport("UFA", "UWUU", "UFA", RUSSIA),
    airport("AER", "URSS", "AER", RUSSIA),
    airport("CEK", "USCC", "CEK", RUSSIA),
    airport("TJM", "USTR", "TJM", RUSSIA),
    airport("VVO", "UHWW", "VVO", RUSSIA),
    airport("KHV", "UHHH", "KHV", RUSSIA),
    airport("ALA", "UAAA", "ALA", KAZAKHSTAN),
    airport("NQZ", "UACC", "NQZ", KAZAKHSTAN),
    airport("IST", "LTFM", "IST", TURKEY),
    airport("AYT", "LTAI", "AYT", TURKEY),
    airport("DXB", "OMDB", "DXB", ("AE", "ARE")),
    airport("PEK", "ZBAA", "BJS", ("CN", "CHN")),
    airport("TBS", "UGTB", "TBS", ("GE", "GEO")),
    airport("EVN", "UDYZ", "EVN", ("AM", "ARM")),
    airport("TAS", "UZTT", "TAS", ("UZ", "UZB")),
    airport("MUC", "EDDM", "MUC", ("DE", "DEU")),
];

/// Carriers, and the alliance of those that are in one.
pub(crate) const CARRIERS: &[(&str, Option<&str>)] = &[
    ("SU", Some("SkyTeam")),
    ("S7", None),
    ("U6", None),
    ("DP", None),
    ("UT", None),
    ("N4", None),
    ("FV", None),
    ("5N", None),
    ("KC", None),
    ("TK", Some("Star Alliance")),
    ("EK", None),
    ("CA", Some("Star Alliance")),
];

/// Aircraft types.
pub(crate) const AIRCRAFT: &[&str] = &[
    "320", "321", "32N", "738", "73H", "77W", "333", "359", "SU9", "AT7", "CR2",
];

/// Terminals; many airports have none.
pub(crate) const TERMINALS: &[Option<&str>] = &[
    None,
    None,
    None,
    Some("A"),
    Some("B"),
    Some("C"),
    Some("D"),
    Some("1"),
    Some("2"),
];

/// What travellers do; nulls and characters that have to be escaped included.
pub(crate) const POSITIONS: &[Option<&str>] = &[
    None,
    None,
    Some(""),
    Some("Ведущий инженер"),
    Some("Менеджер по продажам"),
    Some("Начальник отдела \"Логистика\""),
    Some("C++ / Rust developer"),
    Some("Директор\tпо развитию"),
    Some("Bohrmeister (Öl & Gas)"),
    Some("Pilot 🛫"),
];

/// Where a ticket is sold.
pub(crate) const POINTS_OF_SALE: &[&str] = &["Москва", "Санкт-Петербург", "Алматы", "RU", "Екатеринбург"];

/// Industries of companies.
pub(crate) const INDUSTRIES: &[Option<&str>] = &[
    None,
    Some("Oil & Gas"),
    Some("IT \\ Telecom"),
    Some("Retail"),
    Some("Pharmaceuticals"),
    Some("Construction"),
];

/// Frequent-flyer programmes of a traveller.
pub(crate) const PROGRAMMES: &[Option<&str>] = &[
    None,
    Some(""),
    Some(""),
    Some("SU"),
    Some("S7"),
    Some("SU/S7"),
    Some("S7/SU/UT/U6"),
];

/// Families of fares.
pub(crate) const FARE_FAMILIES: &[&str] = &[
    "ЭКОНОМ БАЗОВЫЙ",
    "ЭКОНОМ СТАНДАРТ",
    "ЭКОНОМ ПЛЮС",
    "Economy Lite",
    "Economy Flex",
    "Business \"Max\"",
    "Бизнес",
];

/// Labels of a price.
pub(crate) const LABELS: &[&str] = &[
    "BestPrice",
    "MinTime",
    "BestPriceDirect",
    "Convenience",
    "BestPriceTravelPolicy",
];

/// Remarks of suppliers.
pub(crate) const REMARKS: &[&str] = &[
    "Возврат с удержанием сбора; обмен \u{2014} по правилам тарифа",
    "Non-refundable.\nChanges: fee + difference in fare",
    "path\\to\\rule \"31/33\"",
    "Carry-on only 🎒",
];
