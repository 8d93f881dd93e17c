//! The head of a CREATE, an ALTER or a DROP: its modifiers and the kind of object.

use crate::sql::Cursor;
use crate::sql::cursor::CodeToken;

/// A kind of object that statements create, alter and drop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DdlObject {
    Table,
    View,
    Index,
    Trigger,
    Procedure,
    Function,
    Package,
    Event,
    Sequence,
    Type,
    Domain,
    Collation,
    Extension,
    Database,
    Schema,
    /// A user or a role.
    Account,
    /// A foreign server.
    Server,
}

use DdlObject::{
    Account, Collation, Database, Domain, Event, Extension, Function, Index, Package, Procedure,
    Schema, Sequence, Server, Table, Trigger, Type, View,
};

/// The words that name a kind of object behind CREATE, ALTER and DROP.
const KINDS: &[(&str, DdlObject)] = &[
    ("TABLE", Table),
    ("TABLES", Table),
    ("VIEW", View),
    ("INDEX", Index),
    ("TRIGGER", Trigger),
    ("PROCEDURE", Procedure),
    ("FUNCTION", Function),
    ("PACKAGE", Package),
    ("EVENT", Event),
    ("SEQUENCE", Sequence),
    ("TYPE", Type),
    ("DOMAIN", Domain),
    ("COLLATION", Collation),
    ("EXTENSION", Extension),
    ("DATABASE", Database),
    ("SCHEMA", Schema),
    ("USER", Account),
    ("ROLE", Account),
    ("SERVER", Server),
];

/// The words of a CREATE, an ALTER or a DROP between its verb and the object's name.
#[derive(Debug, Clone)]
pub struct Head<'a> {
    /// The words before the kind, without the values of options such as `DEFINER = user@host`.
    modifiers: Vec<CodeToken<'a>>,
    pub kind: DdlObject,
}

impl<'a> Head<'a> {
    /// Reads the head from behind the verb, up to `IF EXISTS` or the object's name. `None` if no
    /// kind of object is named.
    pub(crate) fn read(words: &mut Cursor<'a>) -> Option<Head<'a>> {
        let mut modifiers = Vec::new();
        loop {
            let word = words.next()?;
            if let Some((_, kind)) = KINDS.iter().find(|(text, _)| word.is(text)) {
                if *kind == Package {
                    words.eat("BODY");
                }
                return Some(Head {
                    modifiers,
                    kind: *kind,
                });
            }
            if word.is_one_of(&["=", "@"]) {
                words.next()?;
            } else if word.is("(") {
                // `DEFINER = CURRENT_USER()`
                words.eat(")").then_some(())?;
            } else if word.is_one_of(&["AS", "ON"]) {
                return None;
            } else {
                modifiers.push(word);
            }
        }
    }

    /// Whether a modifier is there.
    pub(crate) fn has(&self, modifier: &str) -> bool {
        self.modifiers.iter().any(|word| word.is(modifier))
    }

    /// Whether all modifiers are among these.
    pub(crate) fn has_only(&self, modifiers: &[&str]) -> bool {
        self.modifiers.iter().all(|word| word.is_one_of(modifiers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::DIALECTS;

    #[test]
    fn the_kind_is_found_behind_modifiers_and_options() {
        for dialect in DIALECTS {
            for (sql, expected) in [
                ("CREATE TABLE view (id INT)", Some(Table)),
                ("CREATE OR REPLACE TEMPORARY TABLE a (id INT)", Some(Table)),
                (
                    "CREATE DEFINER = trigger@event VIEW v AS SELECT 1",
                    Some(View),
                ),
                (
                    "CREATE DEFINER = CURRENT_USER() VIEW v AS SELECT 1",
                    Some(View),
                ),
                ("CREATE UNIQUE INDEX i ON t (a)", Some(Index)),
                ("DROP PACKAGE BODY p", Some(Package)),
                ("CREATE RULE r AS ON INSERT TO t DO ALSO SELECT 1", None),
                ("CREATE CAST (a AS b) WITH FUNCTION f", None),
                ("CREATE", None),
            ] {
                let mut words = Cursor::new(dialect.syntax(), sql);
                words.next();
                let head = Head::read(&mut words);
                assert_eq!(head.map(|head| head.kind), expected, "{sql}");
            }
        }
    }
}
