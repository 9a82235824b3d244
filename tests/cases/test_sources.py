"""Every entry with figures says where they come from and how sure they are; derived figures can be recomputed."""

from __future__ import annotations

import csv
import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from capmix import load_case
from capmix.models.schema.case import Case, Simulation
from capmix.models.schema.fields import Sourced
from capmix.models.schema.financing import Depth, Step
from capmix.models.schema.revenue import WorkingCapital

CASES = Path(__file__).parents[2] / "cases"
SHIPPED = ("hyperscaler", "neocloud", "ai_lab")
WEAKER = ("verified", "secondary", "derived", "unverified")


def entries(node: object, path: str = "") -> Iterator[tuple[str, Sourced]]:
    if isinstance(node, Sourced):
        yield path, node
    if dataclasses.is_dataclass(node):
        for field in dataclasses.fields(node):
            value = getattr(node, field.name)
            children = value if isinstance(value, tuple) else (value,)
            for i, child in enumerate(children):
                if dataclasses.is_dataclass(child):
                    name = getattr(child, "id", getattr(child, "kind", i))
                    yield from entries(child, f"{path}.{field.name}[{name}]")


def has_figures(entry: Sourced) -> bool:
    specs = {f.name: f.metadata["spec"].kind for f in dataclasses.fields(entry) if "spec" in f.metadata}
    return any(kind in {"number", "years", "series", "numbers", "matrix"} for kind in specs.values())


def with_figures(case: Case) -> list[tuple[str, Sourced]]:
    """Entries with figures. The source of a depth curve's steps stands with their instrument."""
    found = [(p, e) for p, e in entries(case) if has_figures(e) and not isinstance(e, Simulation | Depth | Step)]
    found = [(p, e) for p, e in found if e != WorkingCapital()]  # a table that the case does not give
    assert len(found) > 50
    return found


@pytest.mark.parametrize("name", SHIPPED)
def test_every_entry_with_figures_is_sourced(name: str) -> None:
    bare = [path for path, e in with_figures(load_case(name)) if not e.source or not e.confidence]
    assert not bare


@pytest.mark.parametrize("name", SHIPPED)
def test_an_entry_is_as_weak_as_its_weakest_figure(name: str) -> None:
    for path, entry in with_figures(load_case(name)):
        said = re.findall(r"\((verified|secondary|derived|unverified)\b", f"{entry.source} {entry.note}")
        if said:
            weakest = max(WEAKER.index(word) for word in said)
            assert WEAKER.index(entry.confidence) >= weakest, path
        if re.search(r"\b(assumption|choice of the planner|general knowledge|none seen)\b", entry.source):
            assert entry.confidence == "unverified", path


@pytest.mark.parametrize("name", SHIPPED)
def test_some_figures_are_verified(name: str) -> None:
    grades = [entry.confidence for _, entry in with_figures(load_case(name))]
    assert "verified" in grades
    assert "derived" in grades
    assert "unverified" in grades


@pytest.mark.parametrize("table", sorted(CASES.glob("*/*.csv")), ids=lambda p: f"{p.parent.name}/{p.name}")
def test_every_row_of_a_table_is_sourced(table: Path) -> None:
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert rows
    for row in rows:
        assert row["source"], row
        assert row["confidence"] in WEAKER, row


@pytest.mark.parametrize("name", SHIPPED)
def test_no_path_of_the_workplace(name: str) -> None:
    for path in [CASES / f"{name}.toml", *CASES.glob(f"{name}/*.csv")]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"/(work|tmp|home|shared)/|facts/|deals\.csv|factors\.csv|hardware\.csv", text), path


# ------------------------------------------------------------------------------- derived figures, worked out again

NEBIUS = (17.4 + 19.4) / 2 / 5 / 300 * 1e9  # USD per MW-year: 17.4 to 19.4 bn over 5 years for 300 MW
GB300_MW = 72 * 2.5 / 0.140  # PFLOP/s per MW of IT


@pytest.mark.parametrize("name", SHIPPED)
def test_contract_price_is_that_of_microsoft_and_nebius(name: str) -> None:
    investment_grade = load_case(name).contract[0]
    assert investment_grade.price == pytest.approx(NEBIUS / (GB300_MW * 8760), rel=0.01)


@pytest.mark.parametrize("name", SHIPPED)
def test_rentals_scale_with_performance(name: str) -> None:
    systems = {a.id: a for a in load_case(name).accelerator}
    b200 = 6.60 / 2250  # USD per hour and TFLOP/s, list median of September 2026
    assert systems["gb200_nvl72"].rental == pytest.approx(b200 * 2500, rel=0.01)
    assert systems["vr200_nvl72"].rental == pytest.approx(b200 * 4000, rel=0.01)
    assert systems["mi355x"].rental == pytest.approx(3.45 * 2516.6 / 1307.4, rel=0.01)


@pytest.mark.parametrize("name", SHIPPED)
def test_prices_do_not_only_fall(name: str) -> None:
    """A VR200 rack costs about twice a GB300 rack: cost per rack and cost per FLOP differ."""
    systems = {a.id: a for a in load_case(name).accelerator}
    old, new = systems["gb300_nvl72"], systems["vr200_nvl72"]
    assert 1.8 < new.price / old.price < 2.2
    assert new.price / new.bf16_tflops < 1.5 * old.price / old.bf16_tflops


@pytest.mark.parametrize("name", SHIPPED)
def test_network_share_of_a_rack(name: str) -> None:
    per_accelerator = 0.13 * 5.9 / 72  # Bernstein: 13 % of 5.9 million per rack of 72
    for system in load_case(name).accelerator:
        if system.attach_cost:
            assert system.attach_cost == pytest.approx(system.accelerators * per_accelerator, rel=0.02), system.id


def test_layer_costs_follow_the_market() -> None:
    hall = 2.5 / 0.1686  # million per MW: Bernstein's 2.5 million per rack of 168.6 kW
    local = {"texas": 9.7 / 11.7, "ohio": 1.0, "nordic": 11.3 / 11.7}
    for site in load_case("hyperscaler").site:
        cost = {layer.kind: layer.cost_per_mw for layer in site.layer}
        whole = hall * local[site.id]
        assert cost["shell"] == pytest.approx(0.47 * whole, rel=0.02)
        assert cost["power"] * site.pue == pytest.approx(0.53 * 0.6 * whole, rel=0.03)
        assert cost["cooling"] == pytest.approx(0.53 * 0.4 * whole, rel=0.03)
        assert cost["security"] == pytest.approx(0.02 * whole, rel=0.05)


def test_spreads_start_where_the_sources_put_them() -> None:
    """Today's all-in coupon of each fixed instrument, as spread over the 10-year Treasury."""
    case = load_case("hyperscaler")
    start = {d.id: d.start for d in case.driver if hasattr(d, "start")}
    spread = {
        i.id: i.margin + i.spread_beta * start[i.spread_driver]
        for i in case.instrument
        if i.rate == "fixed" and i.spread_driver
    }
    assert spread["spv_bond"] == pytest.approx(0.0225)  # Hyperion
    assert spread["hy_note"] == pytest.approx(0.0350)
    assert spread["abs"] == pytest.approx(0.0190)
    # 30 against 10 years 75 bp, 7 against 10 years -27.5 bp: Meta's notes of November 2025
    assert spread["ig_bond_30y"] - spread["ig_bond_7y"] == pytest.approx(0.01025)


def test_the_neoclouds_convertible_is_not_cheap_money() -> None:
    case = load_case("neocloud")
    terms = {i.id: i for i in case.instrument}
    start = {d.id: d.start for d in case.driver if hasattr(d, "start")}
    convertible = terms["convertible"].margin + terms["convertible"].accretion
    straight = start["ust10"] + terms["hy_note"].margin + start["oas_hy"]
    assert convertible == pytest.approx(0.0825)
    assert convertible > 0.064  # to maturity of Nebius's accreting convertibles
    assert 0.8 < convertible / straight < 1.0


def test_two_totals_are_told_apart() -> None:
    """118.6 bn is a stock of debt and equity in special-purpose vehicles; 121 bn a year's flow of bonds."""
    note = next(i.note for i in load_case("hyperscaler").instrument if i.id == "ig_bond_7y")
    docs = (CASES.parent / "docs" / "cases.md").read_text(encoding="utf-8")
    for text in (note, docs):
        assert re.search(r"118\.6 bn USD[^.;]* debt and equity[^.;]*special-purpose vehicles", text)
        assert re.search(r"121 bn USD", text)
        assert "a stock" in text
        assert "a flow" in text
