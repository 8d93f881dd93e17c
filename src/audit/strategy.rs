//! Chooses the strategy for comparing the keys of a reference, from facts of the catalogs.
//!
//! Costs are in microseconds of one core, measured on the three servers with keys of 16 bytes. Only
//! their proportions matter: a wrong estimate costs time, never a wrong answer.

use std::fmt;

/// A way to compare the keys of a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Strategy {
    /// One statement of an engine that sees both endpoints.
    Sql,
    /// Two ordered streams of keys, merged.
    Merge,
    /// The keys of the child, looked up among the parents some hundred at a time.
    Probe,
    /// The keys of the child in any order, hashed, then compared with all parents.
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

/// Facts of both endpoints of a reference.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReferenceFacts {
    /// Rows of the child's table, by its catalog.
    pub rows: Option<u64>,
    /// Different keys of the child.
    pub keys: Option<u64>,
    /// Rows of the parent's table.
    pub parents: Option<u64>,
    /// An index gives the child's keys in the order of their bytes.
    pub child_ordered: bool,
    /// An index gives the parents' keys in the order of their bytes.
    pub parents_ordered: bool,
    /// An index finds single parents.
    pub parents_indexed: bool,
    /// One statement may name both endpoints.
    pub joinable: bool,
    /// Only the rows from a watermark on are read.
    pub has_watermark: bool,
}

/// A strategy with its reason, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub strategy: Strategy,
    pub why: String,
    /// Whether a person requested it.
    pub requested: bool,
}

/// The cost of one row of an index on its server.
const ROW: f64 = 0.1;
/// The cost of one key on its way through both programs.
const KEY: f64 = 0.4;
/// The cost of looking up one key among the parents.
const PROBE: f64 = 6.0;
/// The cost of the smallest probe.
const ROUND: f64 = 400.0;
/// The factor by which a catalog may underestimate keys: measured with skewed keys on PostgreSQL.
const DOUBT: u64 = 20;

/// Chooses the cheapest strategy that is possible, or the requested one: the error says why that is
/// impossible.
pub fn choose(facts: &ReferenceFacts, requested: Option<Strategy>) -> Result<Choice, String> {
    if let Some(strategy) = requested {
        possible(facts, strategy)?;
        let why = "--strategy asks for it".to_owned();
        let requested = true;
        return Ok(Choice {
            strategy,
            why,
            requested,
        });
    }
    let said = |strategy, why: String| {
        Ok(Choice {
            strategy,
            why,
            requested: false,
        })
    };
    if facts.has_watermark && facts.parents_indexed {
        let why = "few keys are newer than the --since value, so they are looked up one by one";
        return said(Strategy::Probe, why.to_owned());
    }
    if let (Some(keys), Some(parents), true) =
        (likely_keys(facts), facts.parents, facts.parents_indexed)
    {
        // If few authors write most messages, the catalog's sample of rows misses most authors. A
        // wrong probe costs far more than a wrong stream.
        let feared = keys
            .saturating_mul(DOUBT)
            .min(facts.rows.unwrap_or(u64::MAX));
        let probing = feared as f64 * PROBE + ROUND;
        let streaming = parents as f64 * KEY;
        if probing < streaming && facts.joinable {
            let why =
                format!("one server has both tables, so it looks up about {keys} keys itself");
            return said(Strategy::Sql, why);
        }
        if probing < streaming {
            let why =
                format!("looking up about {keys} keys is faster than reading {parents} parents");
            return said(Strategy::Probe, why);
        }
    }
    match (facts.child_ordered, facts.parents_ordered) {
        (true, true) => said(
            Strategy::Merge,
            "indexes on both sides give the keys in the same order".to_owned(),
        ),
        (false, _) => said(
            Strategy::Hash,
            "no index gives the child's keys in order, so they are read in any order and hashed"
                .to_owned(),
        ),
        (true, false) => said(
            Strategy::Hash,
            "no index gives the parents' keys in the order of the child's".to_owned(),
        ),
    }
}

/// Whether looking up these keys costs less than reading all parents.
#[must_use]
pub fn probing_pays(keys: u64, parents: Option<u64>) -> bool {
    parents.is_none_or(|parents| keys as f64 * PROBE < parents as f64 * KEY + ROUND)
}

/// The likely number of different keys of a child: from the catalog, else at most its rows.
fn likely_keys(facts: &ReferenceFacts) -> Option<u64> {
    match (facts.keys, facts.rows) {
        (Some(keys), Some(rows)) => Some(keys.min(rows)),
        (keys, rows) => keys.or(rows),
    }
}

fn possible(facts: &ReferenceFacts, strategy: Strategy) -> Result<(), String> {
    let why = match strategy {
        Strategy::Sql if !facts.joinable => "no single statement can read both tables",
        Strategy::Merge if !facts.parents_ordered || !facts.child_ordered => {
            "no index gives the keys of both sides in the same order"
        }
        _ => return Ok(()),
    };
    Err(why.to_owned())
}

/// The estimated duration of a strategy in seconds, for `--explain`.
#[must_use]
pub fn seconds(facts: &ReferenceFacts, strategy: Strategy) -> Option<f64> {
    let (rows, parents) = (facts.rows? as f64, facts.parents? as f64);
    let keys = likely_keys(facts)? as f64;
    let micros = match strategy {
        Strategy::Sql => rows * ROW + keys * KEY,
        Strategy::Merge => rows * ROW + (keys + parents) * KEY,
        Strategy::Probe => rows * ROW + keys * PROBE + ROUND,
        Strategy::Hash => rows * KEY * 1.5 + parents * KEY,
    };
    Some(micros / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(rows: u64, keys: u64, parents: u64) -> ReferenceFacts {
        ReferenceFacts {
            rows: Some(rows),
            keys: Some(keys),
            parents: Some(parents),
            child_ordered: true,
            parents_ordered: true,
            parents_indexed: true,
            ..ReferenceFacts::default()
        }
    }

    fn chosen(facts: &ReferenceFacts) -> Strategy {
        choose(facts, None).unwrap().strategy
    }

    #[test]
    fn what_costs_least_is_chosen() {
        let even = facts(10_000_000, 500_000, 1_000_000);
        assert_eq!(chosen(&even), Strategy::Merge);
        assert_eq!(
            chosen(&facts(10_000_000, 28_688, 1_000_000)),
            Strategy::Merge
        );
        assert_eq!(chosen(&facts(1_000, 500, 1_000_000)), Strategy::Probe);
        assert_eq!(chosen(&facts(10_000_000, 200, 1_000_000)), Strategy::Probe);
        let one_server = ReferenceFacts {
            joinable: true,
            ..facts(1_000, 500, 1_000_000)
        };
        assert_eq!(chosen(&one_server), Strategy::Sql);
        let unindexed = ReferenceFacts {
            child_ordered: false,
            ..even.clone()
        };
        assert_eq!(chosen(&unindexed), Strategy::Hash);
        let mixed = ReferenceFacts {
            parents_ordered: false,
            ..even.clone()
        };
        assert_eq!(chosen(&mixed), Strategy::Hash);
        let nothing = ReferenceFacts {
            rows: None,
            keys: None,
            parents: None,
            ..even.clone()
        };
        assert_eq!(chosen(&nothing), Strategy::Merge);
        let joinable = ReferenceFacts {
            joinable: true,
            ..even
        };
        assert_eq!(chosen(&joinable), Strategy::Merge);
    }

    #[test]
    fn what_a_watermark_leaves_is_looked_up() {
        let has_watermark = ReferenceFacts {
            has_watermark: true,
            ..facts(10_000_000, 500_000, 1_000_000)
        };
        assert_eq!(chosen(&has_watermark), Strategy::Probe);
        let by_no_index = ReferenceFacts {
            parents_indexed: false,
            ..has_watermark
        };
        assert_eq!(chosen(&by_no_index), Strategy::Merge);
        // As long as it is little.
        assert!(probing_pays(10_000, Some(1_000_000)));
        assert!(!probing_pays(100_000, Some(1_000_000)));
        assert!(probing_pays(100_000, None));
    }

    #[test]
    fn a_wish_is_followed_or_told_why_not() {
        let apart = facts(10, 10, 10);
        assert_eq!(
            choose(&apart, Some(Strategy::Probe)).unwrap().strategy,
            Strategy::Probe
        );
        assert!(choose(&apart, Some(Strategy::Sql)).is_err());
    }
}
