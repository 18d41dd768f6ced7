"""Orders in doubt: the record of what was asked, who is told, and what a person may decide about one."""
