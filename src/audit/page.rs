//! The size of a page of keys that is kept in memory: as many keys as fit, by their longest possible
//! length or by the lengths in the previous page.

/// The memory for one page, in bytes.
const ROOM: usize = 17 << 20;
/// The overhead per key, in bytes.
const BESIDE: usize = 12;
/// The most keys of a page: as many as fit of 16 bytes. Bounds cost the server time for every row,
/// and the first page has none.
const MOST: u64 = 600_000;
const LEAST: u64 = 1000;
/// The size of the first page if the length of keys is unknown.
const CAREFUL: u64 = 20_000;
/// The factor by which a page may grow.
const GROWTH: u64 = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    pub keys: u64,
    /// Whether the size of the next page depends on the keys of this one.
    learns: bool,
}

impl Page {
    /// The first page; `longest` is the length of the longest possible key, if known.
    #[must_use]
    pub fn first(longest: Option<usize>) -> Page {
        Page {
            keys: longest.map_or(CAREFUL, fitting),
            learns: longest.is_none(),
        }
    }

    /// The page after this one, whose keys had `bytes` bytes.
    #[must_use]
    pub fn next(self, keys: u64, bytes: u64) -> Page {
        // The next keys may be twice as long.
        let length = usize::try_from(bytes.saturating_mul(2) / keys.max(1));
        let fitting = fitting(length.unwrap_or(ROOM));
        Page {
            keys: if self.learns {
                fitting.min(self.keys.saturating_mul(GROWTH))
            } else {
                self.keys
            },
            ..self
        }
    }
}

fn fitting(length: usize) -> u64 {
    ((ROOM / length.saturating_add(BESIDE)) as u64).clamp(LEAST, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_a_known_length_get_pages_of_one_size() {
        let page = Page::first(Some(16));
        assert_eq!(page.keys, MOST);
        assert_eq!(page.next(600_000, 9_600_000), page);
        assert_eq!(Page::first(Some(1 << 30)).keys, LEAST);
    }

    #[test]
    fn pages_grow_with_what_is_known_and_shrink_at_once() {
        let page = Page::first(None);
        let second = page.next(page.keys, page.keys * 20);
        assert_eq!(second.keys, CAREFUL * GROWTH);
        let third = second.next(second.keys, second.keys * 20);
        let fourth = third.next(third.keys, third.keys * 20);
        assert_eq!(fourth.keys, (ROOM / (40 + BESIDE)) as u64);
        let long = fourth.next(fourth.keys, fourth.keys * 3000);
        assert_eq!(long.keys, (ROOM / (6000 + BESIDE)) as u64);
    }
}
