"""Numbers of clips with their source videos go in; intervals, p values and estimates of set distances come out."""
