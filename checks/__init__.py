"""The checks: each one looks at a project and gives back `report.Result`s."""
