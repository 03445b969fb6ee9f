"""How well models do: metrics of labelled predictions, estimates before labels come, and alarms when errors rise."""
