"""The trials of a search: their records, where they are kept, how their values are chosen, which of them end early."""
