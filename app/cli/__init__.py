"""The command line: `everlisten VERB`. Verbs import what they need only when they run."""
