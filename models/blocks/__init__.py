"""The blocks of the model: each declares its decisions and postings, and adds its rows to the linear program."""
