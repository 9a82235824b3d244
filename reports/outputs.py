"""What a run folder holds to be read, beside its data."""

SUMMARY, REPORT, WORKBOOK = "summary.txt", "report.html", "report.xlsx"
