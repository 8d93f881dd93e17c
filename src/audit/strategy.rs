//! The choice of a strategy: how the keys of a reference are compared, told from what the catalogs
//! say of its ends.
//!
//! The costs are in microseconds of one core, measured on the three servers with keys of 16 bytes;
//! only their proportions matter, and a wrong estimate costs time, never a wrong answer.

use std::fmt;

/// How the keys of a reference are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Strategy {
    /// One statement of the engine itself, where it sees both ends.
    Sql,
    /// Two ordered streams of keys, merged.
    Merge,
    /// The child's keys, looked for among the parents some hundred at a time.
    Probe,
    /// The child's keys hashed as they come, then compared with the parents.
    Hash,
}

/// Every strategy with its name.
pub const STRATEGIES: &[(&str, Strategy)] = &[
    ("sql", Strategy::Sql),
    ("merge", Strategy::Merge),
    ("probe", Strategy::Probe),
    ("hash", Strategy::Hash),
];

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names = STRATEGIES.iter();
        let name = names.find(|(_, strategy)| strategy == self);
        f.write_str(name.map_or("", |(name, _)| name))
    }
}

/// What is known of both ends of a reference.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Known {
    /// Rows of the child's table, where the catalog tells.
    pub rows: Option<u64>,
    /// Different keys of the child.
    pub keys: Option<u64>,
    /// Rows of the parent's table.
    pub parents: Option<u64>,
    /// An index gives the child's keys in the order of their bytes.
    pub child_ordered: bool,
    /// As well for the parents.
    pub parents_ordered: bool,
    /// An index finds single parents.
    pub parents_found: bool,
    /// One statement may name both ends.
    pub together: bool,
    /// Only the rows beyond a watermark are read.
    pub marked: bool,
}

/// A strategy with its reason, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub strategy: Strategy,
    pub why: String,
    /// A person asked for it.
    pub asked: bool,
}

/// What one row of an index costs its server.
const ROW: f64 = 0.1;
/// What one key costs on its way through both programs.
const KEY: f64 = 0.4;
/// What it costs to look one key up among the parents.
const LOOK: f64 = 6.0;
/// What the least probe costs.
const ROUND: f64 = 400.0;
/// So many times more keys there may be than a catalog tells: measured with skewed keys on
/// PostgreSQL, twenty times.
const DOUBT: u64 = 20;

/// The strategy that costs least of those that are possible. `asked` is a person's wish, and an
/// error says why it cannot be followed.
pub fn choose(known: &Known, asked: Option<Strategy>) -> Result<Choice, String> {
    if let Some(strategy) = asked {
        possible(known, strategy)?;
        let why = "it was asked for".to_owned();
        let asked = true;
        return Ok(Choice {
            strategy,
            why,
            asked,
        });
    }
    let said = |strategy, why: String| {
        Ok(Choice {
            strategy,
            why,
            asked: false,
        })
    };
    if known.marked && known.parents_found {
        let why = "few keys are left beyond the watermark, so they are looked up";
        return said(Strategy::Probe, why.to_owned());
    }
    if let (Some(keys), Some(parents), true) =
        (likely_keys(known), known.parents, known.parents_found)
    {
        // Where few authors write most messages, a catalog's sample of rows misses most authors. A
        // wrong look-up costs far more than a wrong stream.
        let feared = keys
            .saturating_mul(DOUBT)
            .min(known.rows.unwrap_or(u64::MAX));
        let probing = feared as f64 * LOOK + ROUND;
        let streaming = parents as f64 * KEY;
        if probing < streaming && known.together {
            let why = format!("one engine sees both ends, and looks about {keys} keys up itself");
            return said(Strategy::Sql, why);
        }
        if probing < streaming {
            let why =
                format!("about {keys} keys are looked up sooner than {parents} parents are read");
            return said(Strategy::Probe, why);
        }
    }
    match (known.child_ordered, known.parents_ordered) {
        (true, true) => said(
            Strategy::Merge,
            "both ends have an index that gives their keys in one order".to_owned(),
        ),
        (false, _) => said(
            Strategy::Hash,
            "no index gives the child's keys in order, so they are hashed as they lie".to_owned(),
        ),
        (true, false) => said(
            Strategy::Hash,
            "no index gives the parents' keys in the order of the child's".to_owned(),
        ),
    }
}

/// Whether it costs less to look so many keys up than to read all parents.
#[must_use]
pub fn looking_up_pays(keys: u64, parents: Option<u64>) -> bool {
    parents.is_none_or(|parents| keys as f64 * LOOK < parents as f64 * KEY + ROUND)
}

/// How many different keys a child has: as the catalog says, else at most its rows.
fn likely_keys(known: &Known) -> Option<u64> {
    match (known.keys, known.rows) {
        (Some(keys), Some(rows)) => Some(keys.min(rows)),
        (keys, rows) => keys.or(rows),
    }
}

fn possible(known: &Known, strategy: Strategy) -> Result<(), String> {
    let why = match strategy {
        Strategy::Sql if !known.together => "no one statement sees both of its ends",
        Strategy::Merge if !known.parents_ordered || !known.child_ordered => {
            "no index gives the keys of both ends in one order"
        }
        _ => return Ok(()),
    };
    Err(why.to_owned())
}

/// About how long a strategy takes, in seconds, for `--explain`.
#[must_use]
pub fn seconds(known: &Known, strategy: Strategy) -> Option<f64> {
    let (rows, parents) = (known.rows? as f64, known.parents? as f64);
    let keys = likely_keys(known)? as f64;
    let micros = match strategy {
        Strategy::Sql => rows * ROW + keys * KEY,
        Strategy::Merge => rows * ROW + (keys + parents) * KEY,
        Strategy::Probe => rows * ROW + keys * LOOK + ROUND,
        Strategy::Hash => rows * KEY * 1.5 + parents * KEY,
    };
    Some(micros / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(rows: u64, keys: u64, parents: u64) -> Known {
        Known {
            rows: Some(rows),
            keys: Some(keys),
            parents: Some(parents),
            child_ordered: true,
            parents_ordered: true,
            parents_found: true,
            ..Known::default()
        }
    }

    fn chosen(known: &Known) -> Strategy {
        choose(known, None).unwrap().strategy
    }

    #[test]
    fn what_costs_least_is_chosen() {
        let even = known(10_000_000, 500_000, 1_000_000);
        assert_eq!(chosen(&even), Strategy::Merge);
        assert_eq!(
            chosen(&known(10_000_000, 28_688, 1_000_000)),
            Strategy::Merge
        );
        assert_eq!(chosen(&known(1_000, 500, 1_000_000)), Strategy::Probe);
        assert_eq!(chosen(&known(10_000_000, 200, 1_000_000)), Strategy::Probe);
        let one_server = Known {
            together: true,
            ..known(1_000, 500, 1_000_000)
        };
        assert_eq!(chosen(&one_server), Strategy::Sql);
        let unindexed = Known {
            child_ordered: false,
            ..even.clone()
        };
        assert_eq!(chosen(&unindexed), Strategy::Hash);
        let mixed = Known {
            parents_ordered: false,
            ..even.clone()
        };
        assert_eq!(chosen(&mixed), Strategy::Hash);
        let nothing = Known {
            rows: None,
            keys: None,
            parents: None,
            ..even.clone()
        };
        assert_eq!(chosen(&nothing), Strategy::Merge);
        let together = Known {
            together: true,
            ..even
        };
        assert_eq!(chosen(&together), Strategy::Merge);
    }

    #[test]
    fn what_a_watermark_leaves_is_looked_up() {
        let marked = Known {
            marked: true,
            ..known(10_000_000, 500_000, 1_000_000)
        };
        assert_eq!(chosen(&marked), Strategy::Probe);
        let by_no_index = Known {
            parents_found: false,
            ..marked
        };
        assert_eq!(chosen(&by_no_index), Strategy::Merge);
        // As long as it is little.
        assert!(looking_up_pays(10_000, Some(1_000_000)));
        assert!(!looking_up_pays(100_000, Some(1_000_000)));
        assert!(looking_up_pays(100_000, None));
    }

    #[test]
    fn a_wish_is_followed_or_told_why_not() {
        let apart = known(10, 10, 10);
        assert_eq!(
            choose(&apart, Some(Strategy::Probe)).unwrap().strategy,
            Strategy::Probe
        );
        assert!(choose(&apart, Some(Strategy::Sql)).is_err());
    }
}
