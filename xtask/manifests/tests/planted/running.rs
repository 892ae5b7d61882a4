//! A pod whose program does not come up is found by starting it.
