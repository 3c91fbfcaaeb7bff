"""What teams use and may have: credits by the month, and plans. Counted by whoever sends or makes things."""
