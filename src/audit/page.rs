//! How many keys a page has, where pages are kept in memory: as many as there is room for, by the
//! longest key that there can be or by what the keys of the page before took.

/// The room for one page, in bytes.
const ROOM: usize = 17 << 20;
/// What a key takes beside its own bytes.
const BESIDE: usize = 12;
/// There is room for so many keys of 16 bytes. A server looks at the bound of a page for every row,
/// and the first page has none.
const MOST: u64 = 600_000;
const LEAST: u64 = 1000;
/// The first page has so many keys where nothing is known of them,
const CAREFUL: u64 = 20_000;
/// and the next one at most so many times as many.
const GROWTH: u64 = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    pub keys: u64,
    /// Whether the length of its keys says how many the next page has.
    learns: bool,
}

impl Page {
    /// The first page; `longest` is the length of the longest key in bytes, where that is known.
    #[must_use]
    pub fn first(longest: Option<usize>) -> Page {
        Page {
            keys: longest.map_or(CAREFUL, fitting),
            learns: longest.is_none(),
        }
    }

    /// The page after this one, in which so many keys had so many bytes.
    #[must_use]
    pub fn next(self, keys: u64, bytes: u64) -> Page {
        // Those to come may be twice as long.
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
