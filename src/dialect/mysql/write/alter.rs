//! Writes the ALTER TABLE statements that turn a table into another one, as few as possible.

mod columns;

use std::collections::HashSet;

use super::clause::{self, quote};
use super::dependents;
use super::foreign::{Added, serves};
use super::risk;
use crate::dialect::mysql::variant::Variant;
use crate::model::change::{Alter, DdlStep, Hazard, Pair, Risk};
use crate::model::schema::{Check, Column, Key, KeyKind, Table};

/// Builds one ALTER TABLE.
struct Builder<'t> {
    from: &'t Table,
    to: &'t Table,
    foreign: &'t [Added],
    variant: &'static Variant,
    clauses: Vec<String>,
    step: DdlStep,
    /// Statements that must run before it and after it.
    earlier: Vec<DdlStep>,
    later: Vec<DdlStep>,
    /// The columns that get their values and their default after it.
    filled: Vec<String>,
}

/// Writes the statements for the differences, but for foreign keys and partitions.
/// `foreign` are the foreign keys that are added to the table afterwards.
pub fn alter(
    from: &Table,
    to: &Table,
    alters: &[Alter],
    foreign: &[Added],
    variant: &'static Variant,
) -> Vec<DdlStep> {
    let mut builder = Builder::new(from, to, variant);
    builder.foreign = foreign;
    builder.build(alters);
    builder.finish()
}

impl<'t> Builder<'t> {
    fn new(from: &'t Table, to: &'t Table, variant: &'static Variant) -> Builder<'t> {
        Builder {
            from,
            to,
            foreign: &[],
            variant,
            clauses: Vec::new(),
            step: DdlStep::new(to.id(), String::new()),
            earlier: Vec::new(),
            later: Vec::new(),
            filled: Vec::new(),
        }
    }

    fn build(&mut self, alters: &[Alter]) {
        let recreated = recreated(self.from, self.to, alters);
        let checks = self.checks_again(alters, &recreated);
        for check in &checks {
            self.drop_check(check);
        }
        let again = self.keys_again(alters, &recreated);
        for key in &again {
            if dependents::holds_srid(key, alters) {
                self.drop_key_first(key);
            } else {
                self.drop_key(key);
            }
        }
        for alter in alters {
            match alter {
                Alter::DropKey(key) if dependents::holds_srid(key, alters) => {
                    self.drop_key_first(key);
                }
                Alter::RenameKey(pair) | Alter::ModifyKey(pair)
                    if dependents::holds_srid(&pair.from, alters) =>
                {
                    self.drop_key_first(&pair.from);
                }
                Alter::DropKey(key) => self.drop_key(key),
                Alter::RenameKey(pair) if self.gives_way(&pair.from, &self::added(alters)) => {
                    self.drop_key(&pair.from);
                }
                Alter::ModifyKey(pair) if only_visible(pair) => {}
                Alter::ModifyKey(pair) if looks_the_same(pair) => self.drop_key_first(&pair.from),
                Alter::ModifyKey(pair) => self.drop_key(&pair.from),
                Alter::DropCheck(check) => self.drop_check(check),
                Alter::ModifyCheck(pair) if !self.only_enforced(pair) => {
                    self.drop_check(&pair.from);
                }
                Alter::Option { name, value } => self.drop_period(name, value),
                _ => {}
            }
        }
        for alter in alters {
            match alter {
                Alter::DropColumn(column) if self.respelled(&column.name).is_none() => {
                    if dependents::is_base_of_used(self.from, alters, &column.name) {
                        self.drop_column_later(column);
                    } else {
                        self.drop_column(column);
                    }
                }
                _ => {}
            }
        }
        self.columns(alters, &recreated);
        for check in checks {
            self.add_check(check);
        }
        let mut added: Vec<&Key> = again;
        let new = self::added(alters);
        for alter in alters {
            match alter {
                Alter::RenameKey(pair)
                    if self.gives_way(&pair.from, &new)
                        || dependents::holds_srid(&pair.from, alters) =>
                {
                    added.push(&pair.to);
                }
                Alter::RenameKey(pair) => self.rename_key(pair),
                Alter::ModifyKey(pair) if only_visible(pair) => self.show_key(&pair.to),
                Alter::ModifyKey(pair) => added.push(&pair.to),
                Alter::AddKey(key) => added.push(key),
                Alter::AddCheck(check) => self.add_check(check),
                Alter::ModifyCheck(pair) if self.only_enforced(pair) => self.enforce(&pair.to),
                Alter::ModifyCheck(pair) => self.add_check(&pair.to),
                Alter::Option { name, value } => self.option(name, value),
                Alter::Comment(pair) => {
                    let comment = pair.to.as_deref().unwrap_or_default();
                    self.clauses
                        .push(format!("COMMENT={}", clause::text(comment)));
                }
                _ => {}
            }
        }
        self.add_keys(&added);
        for (hazard, why) in dependents::risks(self.from, self.to, alters) {
            self.risk(hazard, why);
        }
    }

    fn finish(mut self) -> Vec<DdlStep> {
        let mut steps = self.earlier;
        if !self.clauses.is_empty() {
            self.step.sql = statement(&self.to.name, &self.clauses);
            steps.push(self.step);
        }
        steps.extend(self.later);
        steps
    }

    fn risk(&mut self, hazard: Hazard, why: impl Into<String>) {
        let why = why.into();
        let known = self
            .step
            .risks
            .iter()
            .any(|risk| risk.hazard == hazard && risk.why == why);
        if !known {
            self.step.risks.push(Risk { hazard, why });
        }
    }

    /// Keys that stay the same and must be created again: those of a column that is created again,
    /// and an index that the server may have created for a foreign key. The server drops that one
    /// silently as soon as another index can serve the foreign key, unless it is created explicitly.
    fn keys_again(&self, alters: &[Alter], recreated: &HashSet<&str>) -> Vec<&'t Key> {
        let changed = |key: &Key| {
            alters.iter().any(|alter| match alter {
                Alter::DropKey(old) => old == key,
                Alter::ModifyKey(pair) | Alter::RenameKey(pair) => pair.from == *key,
                _ => false,
            })
        };
        let added = added(alters);
        let sized = alters.iter().any(|alter| {
            matches!(alter, Alter::Option { name, value }
                if name == "key_block_size" && value.from.is_some())
        });
        let marked = sized && self.variant.keys_inherit_block_size;
        let is_lost = |key: &Key| {
            let mut parts = key.parts.iter().filter_map(|part| part.column.as_deref());
            marked
                || parts.any(|column| recreated.contains(column))
                || self.gives_way(key, &added)
                || dependents::holds_srid(key, alters)
        };
        let keys = self.from.keys.iter();
        keys.filter(|key| !changed(key) && is_lost(key)).collect()
    }

    /// Checks that stay the same and name a column that is created again.
    fn checks_again(&self, alters: &[Alter], recreated: &HashSet<&str>) -> Vec<&'t Check> {
        let changed = |check: &Check| {
            alters.iter().any(|alter| match alter {
                Alter::DropCheck(old) => old == check,
                Alter::ModifyCheck(pair) => pair.from == *check,
                _ => false,
            })
        };
        let names = |check: &Check| {
            let mut all = recreated.iter();
            all.any(|column| dependents::mentions(&check.expression, column))
        };
        let checks = self.from.checks.iter();
        checks
            .filter(|check| !changed(check) && names(check))
            .collect()
    }

    /// Whether an index may have been created for a foreign key, and either an added one serves that
    /// too, or the server would create it again under another name.
    fn gives_way(&self, key: &Key, added: &[&Key]) -> bool {
        let foreign = self.from.foreign_keys.iter();
        let mut served = foreign.filter(|foreign| {
            key.kind == KeyKind::Index
                && key.parts.len() == foreign.columns.len()
                && serves(key, &foreign.columns)
        });
        served.any(|old| {
            let renamed = |new: &&Added| {
                let columns = &new.key.columns;
                let name = if new.key.named {
                    Some(&new.key.name)
                } else {
                    columns.first()
                };
                *columns == old.columns && name != Some(&key.name)
            };
            added.iter().any(|added| serves(added, &old.columns))
                || self.foreign.iter().any(|new| renamed(&new))
        })
    }
}

impl<'t> Builder<'t> {
    fn drop_key(&mut self, key: &Key) {
        self.clauses.push(match key.kind {
            KeyKind::Primary => "DROP PRIMARY KEY".to_owned(),
            _ => format!("DROP KEY {}", quote(&key.name)),
        });
    }

    /// The server treats a key that is dropped and added in one statement as unchanged, unless
    /// something that it compares differs.
    fn drop_key_first(&mut self, key: &Key) {
        self.drop_key(key);
        let clause = self.clauses.pop().unwrap_or_default();
        let sql = statement(&self.to.name, &[clause]);
        self.earlier.push(DdlStep::new(self.to.id(), sql));
    }

    fn drop_check(&mut self, check: &Check) {
        let word = self.variant.drop_check;
        self.clauses
            .push(format!("DROP {word} {}", quote(&check.name)));
    }

    fn rename_key(&mut self, pair: &Pair<Key>) {
        let (old, new) = (quote(&pair.from.name), quote(&pair.to.name));
        self.clauses.push(format!("RENAME INDEX {old} TO {new}"));
    }

    fn show_key(&mut self, key: &Key) {
        let hidden = key.options.contains_key("visible");
        let [hide, show] = self.variant.hide_index;
        let word = if hidden { hide } else { show };
        self.clauses
            .push(format!("ALTER INDEX {} {word}", quote(&key.name)));
    }

    /// Separates full-text indexes, because InnoDB creates one at a time.
    fn add_keys(&mut self, keys: &[&Key]) {
        let mut fulltext = 0;
        for key in keys {
            let clause = format!("ADD {}", clause::key(key, self.variant));
            let risks = risk::added_key(key, self.from);
            if key.kind == KeyKind::Fulltext {
                fulltext += 1;
            }
            let unique = matches!(key.kind, KeyKind::Primary | KeyKind::Unique);
            let filled = unique && self.filled.iter().any(|name| key_has(key, name));
            if filled || key.kind == KeyKind::Fulltext && fulltext > 1 {
                let mut step = DdlStep::new(self.to.id(), statement(&self.to.name, &[clause]));
                for (hazard, why) in risks {
                    step = step.risk(hazard, why);
                }
                self.later.push(step);
                continue;
            }
            self.clauses.push(clause);
            for (hazard, why) in risks {
                self.risk(hazard, why);
            }
        }
    }

    fn add_check(&mut self, check: &Check) {
        let clause = format!("ADD {}", clause::check(check));
        let mut filled = self.filled.iter();
        if filled.any(|name| dependents::mentions(&check.expression, name)) {
            let sql = statement(&self.to.name, &[clause]);
            self.later.push(DdlStep::new(self.to.id(), sql));
            return;
        }
        self.clauses.push(clause);
        if !check.options.contains_key("enforced") {
            let why = format!("existing rows may violate {}", check.expression);
            self.risk(Hazard::MayFail, why);
        }
    }

    /// Whether only its being enforced changed, which only some products can change alone.
    fn only_enforced(&self, pair: &Pair<Check>) -> bool {
        let mut from = pair.from.clone();
        from.options.clone_from(&pair.to.options);
        from == pair.to && self.variant.alters_enforcement
    }

    fn enforce(&mut self, check: &Check) {
        let not = if check.options.contains_key("enforced") {
            "NOT "
        } else {
            ""
        };
        let name = quote(&check.name);
        self.clauses
            .push(format!("ALTER CHECK {name} {not}ENFORCED"));
        if not.is_empty() {
            let why = format!("existing rows may violate {}", check.expression);
            self.risk(Hazard::MayFail, why);
        }
    }

    fn drop_period(&mut self, name: &str, value: &Pair<Option<String>>) {
        if let (Some(name), Some(_)) = (name.strip_prefix("period "), &value.from) {
            let name = clause::period(name);
            self.clauses.push(format!("DROP PERIOD FOR {name}"));
        }
    }

    fn option(&mut self, name: &str, value: &Pair<Option<String>>) {
        let clause = match (name, &value.to) {
            ("versioning", Some(_)) => Some("ADD SYSTEM VERSIONING".to_owned()),
            ("versioning", None) => Some("DROP SYSTEM VERSIONING".to_owned()),
            (name, to) => match (name.strip_prefix("period "), to) {
                (Some(name), Some(columns)) => {
                    Some(format!("ADD PERIOD FOR {} {columns}", clause::period(name)))
                }
                (Some(_), None) => None,
                (None, _) => clause::option(name, to.as_deref()),
            },
        };
        self.clauses.extend(clause);
        for (hazard, why) in risk::option(name, value) {
            self.risk(hazard, why);
        }
    }
}

fn key_has(key: &Key, column: &str) -> bool {
    let mut parts = key.parts.iter();
    parts.any(|part| part.column.as_deref() == Some(column))
}

/// The keys that a change creates.
fn added(alters: &[Alter]) -> Vec<&Key> {
    let alters = alters.iter();
    alters
        .filter_map(|alter| match alter {
            Alter::AddKey(key) => Some(key),
            Alter::ModifyKey(pair) => Some(&pair.to),
            _ => None,
        })
        .collect()
}

/// Drops the default of a column that may be NULL.
pub fn silence(table: &Table, column: &Column) -> DdlStep {
    let clause = format!("ALTER COLUMN {} DROP DEFAULT", quote(&column.name));
    DdlStep::new(table.id(), statement(&table.name, &[clause]))
}

/// An ALTER TABLE; several clauses have lines of their own.
pub fn statement(table: &str, clauses: &[String]) -> String {
    match clauses {
        [clause] => format!("ALTER TABLE {} {clause}", quote(table)),
        _ => format!("ALTER TABLE {}\n  {}", quote(table), clauses.join(",\n  ")),
    }
}

/// Whether only the visibility of an index to the optimizer changed.
fn only_visible(pair: &Pair<Key>) -> bool {
    let mut from = pair.from.clone();
    from.options.remove("visible");
    let mut to = pair.to.clone();
    to.options.remove("visible");
    from == to && from.kind != KeyKind::Primary
}

/// Whether the two differ in nothing that the server compares.
fn looks_the_same(pair: &Pair<Key>) -> bool {
    let (from, to) = (&pair.from, &pair.to);
    let option = |name: &str| from.options.get(name) != to.options.get(name);
    from.kind == to.kind && from.parts == to.parts && (option("parser") || option("key_block_size"))
}

/// The columns that no MODIFY can change: a virtual column cannot become a stored one, nor the
/// other way round. What is generated from them goes and comes with them.
fn recreated<'t>(from: &Table, to: &'t Table, alters: &[Alter]) -> HashSet<&'t str> {
    let is_virtual = |column: &Column| column.generated.as_ref().is_some_and(|it| !it.stored);
    let changed = |column: &Column| {
        alters.iter().any(|alter| match alter {
            Alter::ModifyColumn(pair) => {
                pair.to.name == column.name && is_virtual(&pair.from) != is_virtual(&pair.to)
            }
            _ => false,
        })
    };
    let columns = to.columns.iter().filter(|column| changed(column));
    let mut all = columns.map(|column| column.name.as_str()).collect();
    dependents::spread(from, to, &mut all);
    all
}
