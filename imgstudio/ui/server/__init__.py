"""What the page needs as a server that strangers may reach: limits, turns, files of visitors, headers, the log."""
