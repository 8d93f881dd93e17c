//! The ranges of keys that were read, in any order.

use crate::dialect::keys::KeyRange;

/// The ranges that were read, in order; adjacent ranges are merged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage(Vec<KeyRange>);

impl Coverage {
    pub fn add(&mut self, range: KeyRange) {
        let place = self.0.partition_point(|one| one.after <= range.after);
        self.0.insert(place, range);
        self.0.dedup_by(|next, one| {
            let touch = one.upto.is_some() && one.upto == next.after;
            if touch {
                one.upto = next.upto.take();
            }
            touch
        });
    }

    /// The ranges that remain to be read.
    #[must_use]
    pub fn rest(&self) -> Vec<KeyRange> {
        let (mut rest, mut after, mut open) = (Vec::new(), None, true);
        for range in &self.0 {
            if open && range.after > after {
                rest.push(KeyRange {
                    after: after.clone(),
                    upto: range.after.clone(),
                });
            }
            match &range.upto {
                None => open = false,
                upto if *upto > after => after.clone_from(upto),
                _ => {}
            }
        }
        if open {
            rest.push(KeyRange { after, upto: None });
        }
        rest
    }

    /// Whether all keys were read, and none of them twice.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        matches!(self.0.as_slice(), [all] if *all == KeyRange::default())
    }

    pub fn iter(&self) -> impl Iterator<Item = &KeyRange> {
        self.0.iter()
    }
}

impl FromIterator<KeyRange> for Coverage {
    fn from_iter<I: IntoIterator<Item = KeyRange>>(ranges: I) -> Coverage {
        let mut covered = Coverage::default();
        ranges.into_iter().for_each(|range| covered.add(range));
        covered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(after: Option<u8>, upto: Option<u8>) -> KeyRange {
        let key = |byte: Option<u8>| byte.map(|byte| vec![byte]);
        KeyRange {
            after: key(after),
            upto: key(upto),
        }
    }

    #[test]
    fn what_is_left_is_between_what_is_done() {
        let rest = |done: &[KeyRange]| done.iter().cloned().collect::<Coverage>().rest();
        assert_eq!(rest(&[]), [range(None, None)]);
        assert_eq!(rest(&[range(None, None)]), []);
        let done = [
            range(Some(5), Some(7)),
            range(None, Some(3)),
            range(Some(9), None),
        ];
        assert_eq!(
            rest(&done),
            [range(Some(3), Some(5)), range(Some(7), Some(9))]
        );
        assert_eq!(
            rest(&done[..2]),
            [range(Some(3), Some(5)), range(Some(7), None)]
        );
    }

    #[test]
    fn neighbours_are_one_whichever_is_done_first() {
        let mut covered = Coverage::default();
        for (after, upto) in [(Some(5), Some(7)), (Some(7), None), (None, Some(3))] {
            covered.add(range(after, upto));
            assert!(!covered.is_whole());
        }
        let ranges: Vec<&KeyRange> = covered.iter().collect();
        assert_eq!(ranges, [&range(None, Some(3)), &range(Some(5), None)]);
        covered.add(range(Some(3), Some(5)));
        assert!(covered.is_whole());
        assert_eq!(covered.iter().count(), 1);
    }
}
