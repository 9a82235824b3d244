"""The rules of the model: every family of rows and of upper bounds, in the words and units of the reports."""

from __future__ import annotations

from ..program import Rule
from ..schema.covenant_kinds import COVENANT_KINDS
from ..schema.rules import Covenant
from ..schema.sites import LAYERS

CHAIN_LINKS = ("supply", "shell", "power", "cooling", "security", "fibre", "grid")
MONEY_LINKS = (
    "depth",
    "issuance capacity",
    "facility",
    "collateral",
    "use",
    "cash",
    "budget",
    "circularity",
    "covenant",
)

SUPPLY = Rule("supply", "supply of accelerator systems", "systems per period", 100.0, "supply")
DEFERRED = Rule(
    "deferred", "systems that are paid after delivery are at most those ordered", "systems", 100.0, identity=True
)
LAYER = {k: Rule(f"site_{k}", f"{k} in service at a site", "MW", 100.0, k) for k in LAYERS}
SCHEDULE = {
    k: Rule(
        "grid" if k == "power" else f"schedule_{k}",
        "grid energisation schedule of a site" if k == "power" else f"schedule of {k} at a site",
        "MW",
        100.0,
        "grid" if k == "power" else k,
    )
    for k in LAYERS
}
ROOM = {k: Rule(f"room_{k}", f"maximum {k} of a site", "MW", 100.0, k) for k in LAYERS}
PACE = {k: Rule(f"pace_{k}", f"maximum {k} started in a period", "MW per period", 100.0, k) for k in LAYERS}

COMPUTE_BALANCE = Rule("compute_balance", "compute sold is at most compute in service", "PFLOP/s", 100.0, identity=True)
COMPUTE_CLASS = Rule(
    "compute_class", "compute promised and rented out of systems of one availability is at most theirs", "PFLOP/s",
    100.0, identity=True,
)  # fmt: skip
SERVED = Rule("served", "compute reserved for a contract is at most its volume", "PFLOP/s", 100.0, identity=True)
CONTRACT = Rule("contract_volume", "volume of a contract on offer", "PFLOP/s", 100.0)
RELET = Rule("relet_share", "share of a contract's compute that may be relet", "PFLOP/s", 100.0)
RELET_BILLS = Rule("relet_bills", "reletting brings at most what a default leaves open", "PFLOP/s", 100.0)
RELET_SYSTEMS = Rule(
    "relet_systems", "relet compute runs on systems in service of its kind", "PFLOP/s", 100.0, identity=True
)
RENTED = Rule("merchant_systems", "systems rented out are at most those in service", "systems", 100.0, identity=True)
MERCHANT = Rule("merchant_volume", "maximum compute that the merchant market takes", "PFLOP/s", 100.0)

DEPTH = Rule("depth", "depth of an investor class for an instrument", "billion per period", 1.0, "depth")
ISSUANCE_CAPACITY = Rule(
    "issuance_capacity", "issuance capacity of an investor class over all instruments", "billion per period", 1.0,
    "issuance capacity",
)  # fmt: skip
HOLDING = Rule("holding", "maximum holding of an investor class", "billion", 1.0, "issuance capacity")
HOLDER_SHARE = Rule(
    "holder_share",
    "maximum share of the funding from one investor class",
    "billion of funding",
    1.0,
    "issuance capacity",
)
REVOLVER = Rule("revolver", "maximum commitment of the revolver", "billion", 1.0, "facility")
OUTSTANDING = Rule("outstanding", "maximum outstanding balance of an instrument", "billion", 1.0, "facility")
OWED = Rule("outstanding_balance", "outstanding balance of an instrument, from issues, draws and repayments", "billion")
PLEDGED = Rule("pledged", "collateral that an instrument takes at its advance rate", "billion")
DRAWN = Rule("drawn", "draws are at most the commitment", "billion", 1.0, "facility", identity=True)
COLLATERAL = {
    k: Rule(f"collateral_{k}", title, "billion of collateral", 1.0, "collateral")
    for k, title in {
        "accelerators": "debt secured by systems against their value",
        "sites": "debt secured by sites against their value",
        "all": "all secured debt against the value of systems and sites",
    }.items()
}
SEASONED = {
    k: Rule(f"collateral_{k}_seasoned", title, "billion of collateral", 1.0, "collateral")
    for k, title in {
        "accelerators": "debt on stabilised systems against the value of seasoned ones",
        "sites": "debt on stabilised sites against the value of seasoned ones",
        "all": "debt on stabilised assets against the value of seasoned ones",
    }.items()
}
USE = {
    k: Rule(f"use_{k}", f"funding for {title} is at most the spending on them", "billion", 1.0, "use")
    for k, title in {"accelerators": "systems", "sites": "sites"}.items()
}
TIED = Rule("tied", "funding tied to a supplier against what it is paid", "billion", 1.0, "use")

CASH_BALANCE = Rule("cash_balance", "expected cash: what comes in, goes out and is carried on", "billion", 1.0, "")
MINIMUM_CASH = Rule("minimum_cash", "minimum expected cash", "billion", 1.0, "cash")
ENTITY_BALANCE = Rule("entity_balance", "expected cash of an entity", "billion", 1.0, "")
ENTITY_MINIMUM = Rule("entity_minimum", "minimum expected cash of an entity", "billion", 1.0, "cash")
RESERVE = Rule("entity_reserve", "cash that an entity keeps when it distributes", "billion", 1.0, "cash")
LOCK_UP = Rule("lock_up", "debt service cover at which an entity distributes", "billion of headroom", 1.0, "covenant")
NOTHING_DUE = Rule("nothing_due", "no debt service is due, so no lock-up is tested", "billion", 1.0, "covenant")
LOCKED_UP = Rule("locked_up", "no distribution while the tests are not met", "billion")
BUDGET_TOTAL = Rule("budget_total", "budget over the horizon", "billion", 1.0, "budget")
BUDGET_PERIOD = Rule("budget_period", "budget of a period", "billion", 1.0, "budget")
CIRCULARITY = Rule("circularity", "cap on circular funding", "billion of funding", 1.0, "circularity")

TAX_INCOME = Rule("tax_income", "taxable income is a profit or a loss", "billion")
TAX_INTEREST = Rule("tax_interest", "maximum share of taxable EBITDA for net interest", "billion", identity=True)
TAX_LOSS_USE = Rule(
    "tax_loss_use", "maximum share of a profit that carried losses may offset", "billion", identity=True
)
TAX_LOSS_POOL = Rule("tax_loss_pool", "losses used are at most those carried in", "billion", identity=True)
TAX_LOSS_CARRIED = Rule("tax_loss_carried", "losses carried forward", "billion")
TAX_DEFERRED = Rule("tax_deferred", "deferred tax at the end", "billion", identity=True)
TAX_DUE = Rule("tax_due", "tax on the profit left", "billion")

DEFINED = {"cash": CASH_BALANCE.name, OWED.name: OWED.name, "entity_cash": ENTITY_BALANCE.name}
"""States that follow from the decisions by the rows of a rule: expectations, and no choices. All other states (profits,
losses, collateral taken) are chosen within their rows."""

TARGET = Rule("compute_target", "compute that must be in service at the date", "PFLOP/s", 100.0)


def covenant(c: Covenant) -> Rule:
    """Rule of one covenant; its rows are in billions of headroom."""
    return Rule(
        f"covenant_{c.id}",
        f"covenant {c.id}: {COVENANT_KINDS[c.kind].title}",
        "billion of headroom",
        1.0,
        "covenant",
        covenant=c.id,
    )


def nothing_due(c: Covenant) -> Rule:
    """Rule of the periods in which a covenant of cover is not tested."""
    title = f"nothing is due, so covenant {c.id} is not tested"
    return Rule(f"nothing_due_{c.id}", title, "billion", 1.0, "covenant", untested=c.id)
