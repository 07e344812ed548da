"""Records of ClinicalTrials.gov in the form of its API, version 2: one study a file, modules below `protocolSection`."""

import random

from shapes.archive import dumps, write_tar

SPONSORS = [("Example Pharma", "INDUSTRY"), ("University of Examples", "OTHER"), ("National Institute", "NIH")]


def make(out):
    """A tar.gz of 80 studies."""
    rng = random.Random(7)
    write_tar(out, [(f"ctg/NCT0{number:07}.json", dumps(_study(rng, number))) for number in range(4_000_000, 4_000_080)])


def _study(rng, number):
    sponsor, kind = rng.choice(SPONSORS)
    protocol = {
        "identificationModule": {"nctId": f"NCT0{number:07}", "briefTitle": rng.choice(
            ["Sleep and columns", "Effect of tea on parsing", "Walking after lunch"])},
        "statusModule": {"overallStatus": rng.choice(["COMPLETED", "RECRUITING", "TERMINATED"]),
                         "startDateStruct": {"date": _date(rng), "type": "ACTUAL"}},
        "sponsorCollaboratorsModule": {"leadSponsor": {"name": sponsor, "class": kind}},
        "conditionsModule": {"conditions": rng.sample(["Insomnia", "Asthma", "Hypertension", "Migraine"], 2)},
        "designModule": {"studyType": "INTERVENTIONAL", "phases": rng.choice([["PHASE1"], ["PHASE1", "PHASE2"], ["NA"]]),
                         "enrollmentInfo": {"count": rng.randrange(10, 900), "type": "ACTUAL"}},
        "eligibilityModule": {"sex": "ALL", "minimumAge": "18 Years", "healthyVolunteers": rng.random() < .5},
        "armsInterventionsModule": {"interventions": [
            {"type": rng.choice(["DRUG", "BEHAVIORAL"]), "name": f"Treatment {letter}",
             "armGroupLabels": ["Arm " + letter]} for letter in "AB"[: rng.randrange(1, 3)]]},
        "outcomesModule": {"primaryOutcomes": [{"measure": "Change from baseline", "timeFrame": "12 weeks"}]},
        "contactsLocationsModule": {"locations": [
            {"facility": f"Site {site}", "city": rng.choice(["Berlin", "Łódź", "Boston"]),
             "country": rng.choice(["Germany", "Poland", "United States"]),
             "geoPoint": {"lat": round(rng.uniform(40, 55), 4), "lon": round(rng.uniform(-70, 20), 4)}}
            for site in range(rng.randrange(4))]},
    }
    if not protocol["contactsLocationsModule"]["locations"]:
        # A module without anything in it is left out.
        del protocol["contactsLocationsModule"]
    return {"protocolSection": protocol, "hasResults": rng.random() < .3}


def _date(rng):
    month = f"{rng.randrange(2010, 2025)}-{rng.randrange(1, 13):02}"
    # Older records say the month alone.
    return month if rng.random() < .3 else f"{month}-{rng.randrange(1, 29):02}"
