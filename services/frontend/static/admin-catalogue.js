// What the pages about goods do more comfortably with a script.
