"""Each duty put together from settings: where concrete sources, venues and lanes meet a keeper."""
