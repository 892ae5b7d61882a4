//! A bounded memory of what was used lately.

use std::{borrow::Borrow, collections::HashMap, hash::Hash};

/// A map that holds a bounded number of things and forgets what was not written for long.
///
/// There are two generations. When the young one is full it becomes the old one and the old one
/// is forgotten, so a flood of new keys costs neither memory nor time, and what is written again
/// and again is kept.
#[derive(Debug)]
pub struct Recent<K, V> {
    generation: usize,
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K: Hash + Eq, V> Recent<K, V> {
    /// Holds at most `capacity` things (and at least two).
    pub fn new(capacity: usize) -> Self {
        Self {
            generation: (capacity / 2).max(1),
            young: HashMap::new(),
            old: HashMap::new(),
        }
    }

    /// The value, if it is remembered.
    pub fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    /// The value to be changed where it is, if it is remembered.
    pub fn get_mut<Q>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.young.get_mut(key).or_else(|| self.old.get_mut(key))
    }

    /// Remembers the value, in the place of any other.
    pub fn insert(&mut self, key: K, value: V) {
        if self.young.len() >= self.generation && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    /// How much is remembered; what is in both generations counts twice.
    pub fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_bounded_and_keeps_what_is_written_again() {
        let mut recent = Recent::new(100);
        for number in 0..10_000 {
            recent.insert(number, number);
            recent.insert(-1, number);
            assert!(recent.len() <= 100);
        }
        assert_eq!(recent.get(&-1), Some(&9_999));
        assert_eq!(recent.get(&9_999), Some(&9_999));
        assert_eq!(recent.get(&0), None);
        *recent.get_mut(&-1).unwrap() = 7;
        assert_eq!(recent.get(&-1), Some(&7));
    }
}
