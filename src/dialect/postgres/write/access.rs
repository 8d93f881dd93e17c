//! Gives objects that are dropped and created again their owners and their grants back.

use std::collections::{BTreeMap, BTreeSet};

use super::Writer;
use super::actions::Action;
use super::clause::quote;
use super::drop::signature;
use super::hand_over::numbering_sequence;
use super::nodes::{Class, Name, Part};
use super::plan::serial_of;
use crate::model::access::{Access, Grant, GrantKind, Grantee};
use crate::model::change::{DdlStep, GivenBack, Hazard, Risk};
use crate::model::schema::{Column, Id, Kind, Object, Table};

/// An object that exists again, as statements name it.
struct Again {
    about: Id,
    /// The object that it was, by which its access is known.
    was: Id,
    kind: Option<GrantKind>,
    /// The beginning of the statement that changes its owner, without the owner; `None` if the owner
    /// follows another object.
    owner: Option<String>,
    /// What follows `ON`.
    on: String,
    /// The column that the grants are about.
    column: Option<String>,
}

const RELATIONS: &[Class] = &[Class::Table, Class::View, Class::MaterializedView];
const ROUTINES: &[Class] = &[Class::Function, Class::Procedure, Class::Aggregate];
const TYPES: &[Class] = &[Class::Enum, Class::Composite, Class::Domain, Class::Range];

impl<'s> Writer<'_, 's> {
    /// Gives back what hung on an object that the last statements, from the first on, created in the
    /// place of another.
    pub fn give_back(&mut self, name: Name<'s>, first: usize) {
        let action = self.plan.action(&name);
        if !matches!(
            action,
            Action::Create | Action::Rebuild | Action::RenameAside
        ) || self.steps.len() == first
        {
            return;
        }
        let part = match self.plan.new.get(&name) {
            Some(node) => node.part,
            None => return,
        };
        for again in self.again(name, part) {
            self.restore(&again, first);
        }
    }

    /// What comes into being with a node and was there before.
    fn again(&self, name: Name<'s>, part: Part<'s>) -> Vec<Again> {
        let mut all = Vec::new();
        let old = &self.plan.old.schema;
        match (name.class, part) {
            (Class::Table, Part::Table(table)) => {
                all.extend(self.relation(name));
                for column in &table.columns {
                    let own = Name::column(&table.name, &column.name);
                    if self.plan.created_with.contains_key(&own) {
                        all.extend(self.column(&table.name, &column.name));
                        all.extend(self.numbered_along(table, column));
                    }
                }
            }
            (Class::View | Class::MaterializedView, Part::Object(view)) => {
                all.extend(self.relation(name));
                let columns = view.columns.iter();
                all.extend(columns.filter_map(|column| self.column(name.name, &column.name)));
            }
            (Class::Column, Part::Column(table, column)) => {
                all.extend(self.column(&table.name, &column.name));
                all.extend(self.numbered_along(table, column));
            }
            (Class::Identity, Part::Column(table, column)) => {
                all.extend(self.sequence_of(&table.name, &column.name));
            }
            (Class::Sequence, Part::Object(object)) => {
                let owner = super::nodes::owner(object);
                all.extend(owner.and_then(|(table, column)| self.sequence_of(&table, &column)));
            }
            (Class::Function | Class::Procedure | Class::Aggregate, part) => {
                let on = signature(
                    Name {
                        class: Class::Function,
                        ..name
                    },
                    part,
                );
                let word = match name.class {
                    Class::Procedure => "PROCEDURE",
                    _ => "FUNCTION",
                };
                let alter = format!(
                    "ALTER {} {}",
                    super::drop::word(name.class),
                    signature(name, part)
                );
                all.extend(self.predecessor(name, ROUTINES).map(|was| Again {
                    about: name.about(),
                    was,
                    kind: Some(GrantKind::Routine),
                    owner: Some(alter),
                    on: format!("{word} {on}"),
                    column: None,
                }));
            }
            (Class::Enum | Class::Composite | Class::Domain | Class::Range, _) => {
                let word = match name.class {
                    Class::Domain => "DOMAIN",
                    _ => "TYPE",
                };
                let on = format!("{word} {}", quote(name.name));
                all.extend(self.predecessor(name, TYPES).map(|was| Again {
                    about: name.about(),
                    was,
                    kind: Some(GrantKind::Type),
                    owner: Some(format!("ALTER {on}")),
                    on,
                    column: None,
                }));
            }
            (Class::Operator | Class::Statistics | Class::Collation, part) => {
                let on = match name.class {
                    Class::Operator => format!("OPERATOR {}", signature(name, part)),
                    Class::Statistics => format!("STATISTICS {}", quote(name.name)),
                    _ => format!("COLLATION {}", quote(name.name)),
                };
                all.extend(self.predecessor(name, &[name.class]).map(|was| Again {
                    about: name.about(),
                    was,
                    kind: None,
                    owner: Some(format!("ALTER {on}")),
                    on,
                    column: None,
                }));
            }
            _ => {}
        }
        if !old.access.0.is_live {
            // Few columns and sequences have grants of their own: what is not known is not mentioned.
            all.retain(|again| {
                !matches!(again.kind, Some(GrantKind::Column | GrantKind::Sequence))
                    || old.access.0.objects.contains_key(&again.was)
            });
        }
        all
    }

    fn relation(&self, name: Name<'s>) -> Option<Again> {
        let own = quote(name.name);
        let word = name.about().kind.noun().to_uppercase();
        Some(Again {
            about: name.about(),
            was: self.predecessor(name, RELATIONS)?,
            kind: Some(GrantKind::Relation),
            owner: Some(format!("ALTER {word} {own}")),
            on: own,
            column: None,
        })
    }

    /// A column whose predecessor is dropped, alone or with its relation.
    fn column(&self, table: &'s str, column: &'s str) -> Option<Again> {
        let was = Id {
            kind: Kind::Column,
            table: Some(table.to_owned()),
            name: column.to_owned(),
        };
        let access = self.plan.old.schema.access.0.objects.get(&was)?;
        access.grants.as_ref()?;
        Some(Again {
            about: was.clone(),
            was,
            kind: Some(GrantKind::Column),
            owner: None,
            on: quote(table),
            column: Some(quote(column)),
        })
    }

    /// The sequence of a column, if it is created with the column.
    fn numbered_along(&self, table: &'s Table, column: &'s Column) -> Option<Again> {
        let plan = self.plan;
        let identity = Name::new(Class::Identity, &table.name, &column.name);
        let serial = serial_of(&plan.new, &table.name, column);
        let mut both = [Some(identity), serial].into_iter().flatten();
        both.any(|name| plan.created_with.contains_key(&name))
            .then(|| self.sequence_of(&table.name, &column.name))?
    }

    /// The sequence that numbers a column from now on, in the place of the one that did.
    fn sequence_of(&self, table: &str, column: &str) -> Option<Again> {
        let (old, new) = (self.plan.old.schema, self.plan.new.schema);
        let was = numbering_sequence(old, table, column)?;
        let is = numbering_sequence(new, table, column)?;
        Some(Again {
            about: Id::new(Kind::Sequence, &is),
            was: Id::new(Kind::Sequence, &was),
            kind: Some(GrantKind::Sequence),
            owner: None,
            on: format!("SEQUENCE {}", quote(&is)),
            column: None,
        })
    }

    /// The object of one of some classes in whose place this one is created. A routine whose arguments
    /// change is the same as long as no other one has its name.
    fn predecessor(&self, name: Name<'s>, classes: &[Class]) -> Option<Id> {
        let plan = self.plan;
        let goes = |name: &Name<'s>| {
            let action = plan.action(name);
            action.drops() || action == Action::RenameAside
        };
        let old = || {
            let nodes = plan.old.all.iter().map(|node| node.name);
            nodes.filter(|old| classes.contains(&old.class))
        };
        if let Some(same) = old().find(|old| old.name == name.name && goes(old)) {
            return Some(same.about());
        }
        let base = |name: &Name<'s>| name.name.split_once('(').map(|it| it.0);
        let own = base(&name).filter(|_| ROUTINES.contains(&name.class))?;
        let mut before = old().filter(|old| base(old) == Some(own));
        let (was, more) = (before.next()?, before.next());
        let mut now = plan
            .new
            .all
            .iter()
            .filter(|node| classes.contains(&node.name.class) && base(&node.name) == Some(own));
        let is_only_one = more.is_none() && now.next().is_some() && now.next().is_none();
        (is_only_one && goes(&was)).then(|| was.about())
    }

    /// A sequence can be a column's only if both belong to one account.
    pub fn follow_owner(&mut self, name: Name<'s>, sequence: &Object) {
        let Some((table, _)) = super::nodes::owner(sequence) else {
            return;
        };
        let table = Id::table(&table);
        let mut given = self.given_back.iter().filter(|given| given.about == table);
        let owner = given.find_map(|given| given.access.owner.as_deref().map(quote));
        if let Some(owner) = owner {
            let own = quote(name.name);
            self.say(name, format!("ALTER SEQUENCE {own} OWNER TO {owner}"))
                .gives_back = true;
        }
    }

    fn restore(&mut self, again: &Again, first: usize) {
        let known = &self.plan.old.schema.access.0;
        let mut risks = Vec::new();
        let name = &again.about.name;
        if !known.is_live {
            risks.push(format!(
                "grants on {name} that the files do not make are lost"
            ));
        }
        let usual = Access::default();
        let access = known.objects.get(&again.was).unwrap_or(&usual);
        let mut statements = Vec::new();
        let mut grants = access.grants.clone();
        let owner = access.owner.as_ref().filter(|_| again.owner.is_some());
        if let (Some(owner), Some(alter)) = (owner, &again.owner) {
            match &access.lost_owner {
                Some(why) => risks.push(why.clone()),
                None => statements.push(format!("{alter} OWNER TO {}", quote(owner))),
            }
        }
        let owner = owner.filter(|_| access.lost_owner.is_none());
        let has_owner = access.owner.is_some() && access.lost_owner.is_none();
        let defaults = again.kind.and_then(|kind| known.defaults.get(&kind));
        if let Some(kind) = again.kind
            && (access.grants.is_some() || defaults.is_some())
        {
            let mut wanted = known.grants_of(access, kind);
            let given = known.usual.get(&kind).cloned().unwrap_or_default();
            if access.lost_owner.is_some() {
                // The account is the owner instead, and has all that an owner has.
                let own = Grantee::Account(known.account.clone());
                wanted.retain(|it| it.grantee != Grantee::Owner && it.grantee != own);
                let usual = given.iter().filter(|it| it.grantee == Grantee::Owner);
                wanted.extend(usual.cloned());
                grants = Some(wanted.clone());
            }
            let name_of = |grantee: &Grantee| match grantee {
                Grantee::Everyone => "PUBLIC".to_owned(),
                Grantee::Account(account) => quote(account),
                Grantee::Owner => match (&access.owner, has_owner) {
                    (Some(owner), true) => quote(owner),
                    _ => "CURRENT_USER".to_owned(),
                },
            };
            let sets = Sets {
                column: again.column.as_deref(),
                on: &again.on,
                all: &given,
            };
            let mut too_much = given.clone();
            too_much.extend(defaults.into_iter().flatten().cloned());
            statements.extend(sets.revokes(&too_much, &wanted, name_of));
            // What comes for certain, here and in a scratch database without default privileges.
            let mut certain = given.clone();
            certain.retain(|grant| defaults.is_none_or(|defaults| defaults.contains(grant)));
            statements.extend(sets.grants(&wanted, &certain, name_of));
            let others = wanted
                .iter()
                .filter_map(|grant| Some((grant.by.as_ref()?, grant)));
            let others: BTreeSet<String> = others
                .map(|(by, grant)| {
                    format!(
                        "{} gets from its owner what {by} granted",
                        name_of(&grant.grantee)
                    )
                })
                .collect();
            risks.extend(others);
        }
        if let Some(step) = self.steps.get_mut(first) {
            step.risks.extend(risks.into_iter().map(|why| Risk {
                hazard: Hazard::GrantsLost,
                why,
            }));
        }
        if statements.is_empty() {
            return;
        }
        for sql in statements {
            let mut step = DdlStep::new(again.about.clone(), sql);
            step.gives_back = true;
            self.steps.push(step);
        }
        self.given_back.push(GivenBack {
            about: again.about.clone(),
            kind: again.kind,
            access: Access {
                owner: owner.cloned(),
                grants,
                ..access.clone()
            },
        });
    }
}

/// The words of GRANT and REVOKE statements about one object.
struct Sets<'a> {
    column: Option<&'a str>,
    on: &'a str,
    /// The usual grants, among which are all privileges of the owner.
    all: &'a BTreeSet<Grant>,
}

impl Sets<'_> {
    /// Takes away what a new object's grants have more than the wanted ones.
    fn revokes(
        &self,
        given: &BTreeSet<Grant>,
        wanted: &BTreeSet<Grant>,
        name_of: impl Fn(&Grantee) -> String,
    ) -> Vec<String> {
        let mut gone: BTreeMap<(&Grantee, bool), BTreeSet<&str>> = BTreeMap::new();
        for grant in given {
            let mut same = wanted
                .iter()
                .filter(|it| it.grantee == grant.grantee && it.privilege == grant.privilege);
            let kept = same.next();
            let only_option = kept.is_some();
            let stays = kept
                .into_iter()
                .chain(same)
                .any(|it| it.grantable || !grant.grantable);
            if !stays {
                let privileges = gone.entry((&grant.grantee, only_option)).or_default();
                privileges.insert(&grant.privilege);
            }
        }
        let revoke = |((grantee, only_option), privileges): ((&Grantee, bool), BTreeSet<&str>)| {
            let option = if only_option { "GRANT OPTION FOR " } else { "" };
            let privileges = self.privileges(&privileges);
            let on = self.on;
            format!(
                "REVOKE {option}{privileges} ON {on} FROM {}",
                name_of(grantee)
            )
        };
        gone.into_iter().map(revoke).collect()
    }

    /// Gives what is wanted and does not come with a new object.
    fn grants(
        &self,
        wanted: &BTreeSet<Grant>,
        given: &BTreeSet<Grant>,
        name_of: impl Fn(&Grantee) -> String,
    ) -> Vec<String> {
        let mut more: BTreeMap<(&Grantee, bool), BTreeSet<&str>> = BTreeMap::new();
        for grant in wanted {
            let has = given.iter().any(|it| {
                it.grantee == grant.grantee
                    && it.privilege == grant.privilege
                    && (it.grantable || !grant.grantable)
            });
            if !has {
                let privileges = more.entry((&grant.grantee, grant.grantable)).or_default();
                privileges.insert(&grant.privilege);
            }
        }
        let grant = |((grantee, grantable), privileges): ((&Grantee, bool), BTreeSet<&str>)| {
            let option = if grantable { " WITH GRANT OPTION" } else { "" };
            let privileges = self.privileges(&privileges);
            let on = self.on;
            format!("GRANT {privileges} ON {on} TO {}{option}", name_of(grantee))
        };
        more.into_iter().map(grant).collect()
    }

    fn privileges(&self, privileges: &BTreeSet<&str>) -> String {
        let owners = self.all.iter().filter(|it| it.grantee == Grantee::Owner);
        let all: BTreeSet<&str> = owners.map(|it| it.privilege.as_str()).collect();
        if *privileges == all && all.len() > 1 {
            return "ALL".to_owned();
        }
        let each = privileges.iter().map(|privilege| match self.column {
            Some(column) => format!("{privilege} ({column})"),
            None => (*privilege).to_owned(),
        });
        each.collect::<Vec<_>>().join(", ")
    }
}
