"""The words everyone shares: frozen values without behaviour, understood in every room."""
