"""Hand-made mistakes: a code, and a fragment in which `§` stands right before the place that must be named."""

from tests.config.mistakes import of_access, of_lint, of_names, of_offering, of_process, of_providers, of_shape, of_yaml

Row = tuple[str, str]

ROWS: tuple[Row, ...] = (
    *of_yaml.ROWS,
    *of_shape.ROWS,
    *of_names.ROWS,
    *of_offering.ROWS,
    *of_providers.ROWS,
    *of_access.ROWS,
    *of_process.ROWS,
    *of_lint.ROWS,
)
