"""FHIR R4 bundles, one a patient, as an export or Synthea writes them: entries of all kinds of resources in one list."""

import random

from shapes.archive import dumps, write_tar

RACE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race"
LOINC = {"8867-4": ("Heart rate", "/min", 70), "29463-7": ("Body weight", "kg", 75), "2339-0": ("Glucose", "mg/dL", 95)}


def make(out):
    """A tar.gz of 40 bundles."""
    rng = random.Random(3)
    write_tar(out, [(f"fhir/patient-{number:03}.json", dumps(_bundle(rng, number))) for number in range(40)])


def _bundle(rng, number):
    resources = [_patient(rng, number)]
    for position in range(rng.randrange(2, 6)):
        resources.append(_observation(rng, number, position))
    resources.append(_blood_pressure(rng, number))
    resources.append({"resourceType": "Condition", "id": f"c-{number}", "subject": {"reference": f"urn:uuid:p-{number}"},
                      "code": {"text": rng.choice(["Hypertension", "Prediabetes", "Asthma"])}})
    return {"resourceType": "Bundle", "type": "transaction",
            "entry": [{"fullUrl": f"urn:uuid:{resource['id']}", "resource": resource,
                       "request": {"method": "POST", "url": resource["resourceType"]}} for resource in resources]}


def _patient(rng, number):
    given = rng.choice([["Ana", "María"], ["Li"], ["Noor"]])
    patient = {
        "resourceType": "Patient",
        "id": f"p-{number}",
        "extension": [{"url": RACE, "extension": [
            {"url": "ombCategory", "valueCoding": {"code": "2106-3", "display": "White"}},
            {"url": "text", "valueString": rng.choice(["White", "Asian", "Other"])}]}],
        "name": [{"use": "maiden", "family": "Before"}, {"use": "official", "family": f"Example{number}", "given": given}],
        "gender": rng.choice(["female", "male"]),
        "birthDate": f"{rng.randrange(1940, 2015)}-0{rng.randrange(1, 10)}-1{rng.randrange(10)}",
        # Not an array where it should be one: some exporters do this for one element.
        "address": {"city": "Springfield"} if number % 5 == 0 else [{"city": "Springfield"}, {"city": "Shelbyville"}],
    }
    if number == 17:
        # A FHIR date may be a year alone.
        patient["birthDate"] = "1958"
    if rng.random() < .2:
        # A choice of types, `deceased[x]`: a boolean or a time, each under a name of its own.
        patient.update(rng.choice([{"deceasedBoolean": True}, {"deceasedDateTime": "2024-03-01T10:00:00+01:00"}]))
    return patient


def _observation(rng, number, position):
    code = rng.choice(list(LOINC))
    text, unit, usual = LOINC[code]
    observation = _observed(f"o-{number}-{position}", number, position, code, text)
    if rng.random() < .1:
        observation["valueString"] = "not measured"
    else:
        observation["valueQuantity"] = {"value": round(rng.gauss(usual, 10), 1), "unit": unit,
                                        "system": "http://unitsofmeasure.org", "code": unit}
    return observation


def _blood_pressure(rng, number):
    observation = _observed(f"bp-{number}", number, 9, "85354-9", "Blood pressure panel")
    observation["component"] = [
        {"code": {"coding": [{"system": "http://loinc.org", "code": code}]},
         "valueQuantity": {"value": rng.randrange(*span), "unit": "mmHg"}}
        for code, span in (("8480-6", (100, 160)), ("8462-4", (60, 100)))]
    return observation


def _observed(identifier, number, day, code, text):
    return {"resourceType": "Observation", "id": identifier, "status": "final",
            "code": {"coding": [{"system": "http://snomed.info/sct", "code": "0"},
                                {"system": "http://loinc.org", "code": code, "display": text}], "text": text},
            "subject": {"reference": f"urn:uuid:p-{number}"},
            "effectiveDateTime": f"2025-0{day % 9 + 1}-03T08:30:00+01:00"}
