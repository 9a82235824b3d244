"""What version 2 of plan.json calls otherwise than version 1: keys, tables, columns and rows."""

from __future__ import annotations

RENAMED = (
    ("`bearers`, `bearers.own_share`", "`loss_allocation`, `loss_allocation.shareholder_share`"),
    ("`infeasibility.least[].least`", "`infeasibility.minimum_risk[].minimum`"),
    ("`infeasibility.faults`", "`infeasibility.relaxations`"),
    ("`limit.least`, `limit.least_bound` of frontier.json", "`limit.minimum`, `limit.minimum_bound`"),
    ("decisions `place[…]`, `sign[…]`", "`issue[…]`, `contract[…]`; own limits may use either"),
    ("`placed` in the column `how` of `issuance`", "`issued`"),
    ("rule and link `appetite`", "rule `issuance_capacity`, link `issuance capacity`"),
    ("balance and rule `owed`", "`outstanding_balance`; own limits may use either"),
    ("table `chain`, its column `least link`", "table `bottlenecks`, column `bottleneck`"),
    ("table `behind_horizon`", "table `beyond_horizon`"),
    ("`covenants`, `covenant_risk`: column `kept` with `hard`, `cvar`, `report`",
     "column `treatment` with `maintained`, `cvar`, `monitored`"),
    ("`covenant_risk`: `least headroom, 5th percentile`, `notch`, `cost of a notch`",
     "`minimum headroom, 5th percentile`, `tightening step`, `cost of tightening`"),
    ("`cash_flow`, `entity_cash`: `cash at the start`, `cash at the end`", "`opening cash`, `closing cash`"),
    ("`debt_service`: `raised`, `debt at the start`, `raised as debt`, `debt at the end`",
     "`gross proceeds`, `opening debt`, `gross proceeds of debt`, `closing debt`"),
    ("table `balance_sheet`, at market value", "table `balance_sheet_at_market`; the former is that of the books"),
    ("`balance_sheet`: `own equity`, `value of what lies behind the horizon`",
     "`shareholders' equity`, `value beyond the horizon`"),
    ("`compute`: `compute delivered so far`", "`cumulative compute delivered`"),
    ("`income`: `income before the limit on interest`, `interest put off, less what is deducted later`, "
     "`interest carried forward at the end`, `loss of the period, carried forward`, `carried losses used`, "
     "`taxed profit`, `carried losses at the end`",
     "`income before the interest limit`, `interest disallowed, less later deductions`, "
     "`disallowed interest carried forward`, `loss of the period`, `loss carryforward used`, "
     "`taxable profit after losses`, `loss carryforward at the end`"),
    ("`revenue let again after a default`, `damages for compute that was not available`, "
     "`fees put off to the life of the debt`",
     "`relet revenue after a default`, `damages for unavailable compute`, `fees deferred over the life of the debt`"),
    ("`prepayments not yet earned`, `bills that customers have paid ahead`",
     "`unearned prepayments`, `customers' advances`"),
    ("`interest owed at the end beyond the balance`, `market value of debt at the end, less what is owed`, "
     "`tax put off past the end by early write-offs`, `rent due after the end`, `contracts that run on after the end`, "
     "`value given to holders who convert`, `contracts still to be billed, …`",
     "`accrued interest at the end beyond the balance`, `market value of debt at the end, less its balance`, "
     "`deferred tax at the end`, `rent due beyond the horizon`, `contracts running beyond the horizon`, "
     "`dilution by conversion`, `future bills of contracts, …`"),
    ("loss tables, `entity_risk`: `owed`", "`mean claim`"),
    ("`entity_risk`, `entity_default`: `not made, mean`, `distribution not made in full`",
     "`mean distribution shortfall`, `distribution shortfall`"),
    ("`default_dates`, `entity_default`: `so far`; `tax_by_scenario`: `hidden so far`",
     "`cumulative`; `hidden, cumulative`"),
    ("`own_limits`: `sign`, `room`, `binds`", "`sense`, `slack`, `binding`"),
    ("`replications`: `optimum, at least`, `optimum, at most`; `replicated_prices`: `binds in`",
     "`lower bound`, `upper bound`; `binding in`"),
    ("`comparison`: `raised`, `expected loss of all`, `tail loss of all`; `limits`: `most allowed`",
     "`capital raised`, `expected loss, all holders`, `tail loss, all holders`; `maximum`"),
    ("`frontier`: `raised`, `CVaR on fresh draws`", "`capital raised`, `CVaR out of sample`"),
)  # fmt: skip
"""Old name and new one, Markdown."""
