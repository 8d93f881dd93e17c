//! Triggers of one moment run one behind the other: which of them must be made anew, and where.

use std::collections::BTreeMap;

use crate::model::change::{Change, Difference};
use crate::model::schema::{Kind, Object, Schema};

/// The triggers that one statement sets off, in their order.
type Moments<'s> = BTreeMap<String, Vec<&'s Object>>;

/// Table, time and event of a trigger, as they stand in its definition.
fn moment(trigger: &Object) -> String {
    let behind = trigger
        .sql
        .split_once(" FOR EACH ROW")
        .map_or("", |(head, _)| head);
    let name = format!("`{}`", trigger.name.replace('`', "``"));
    let head = behind.strip_prefix("CREATE TRIGGER ").unwrap_or(behind);
    head.strip_prefix(&name).unwrap_or(head).to_owned()
}

fn moments(schema: &Schema) -> Moments<'_> {
    let mut moments = Moments::new();
    let triggers = schema.objects.iter();
    for trigger in triggers.filter(|object| object.kind == Kind::Trigger) {
        moments.entry(moment(trigger)).or_default().push(trigger);
    }
    for triggers in moments.values_mut() {
        in_order(triggers);
    }
    moments
}

/// Each one behind the one that it says it follows.
fn in_order(triggers: &mut Vec<&Object>) {
    let mut sorted: Vec<&Object> = Vec::new();
    let mut last: Option<&str> = None;
    while let Some(at) = triggers
        .iter()
        .position(|trigger| trigger.options.get("follows").map(String::as_str) == last)
    {
        let next = triggers.remove(at);
        last = Some(&next.name);
        sorted.push(next);
    }
    sorted.append(triggers);
    *triggers = sorted;
}

/// Those that stay: the same but for their place, and among themselves in the old order.
fn staying(old: &[&Object], new: &[&Object]) -> Vec<String> {
    let same = |one: &Object, other: &Object| {
        let mut one = one.clone();
        one.options.remove("follows");
        let mut other = other.clone();
        other.options.remove("follows");
        one == other
    };
    let mut from = 0;
    let mut staying = Vec::new();
    for trigger in new {
        let rest = old.get(from..).unwrap_or_default();
        if let Some(at) = rest.iter().position(|old| same(old, trigger)) {
            from += at + 1;
            staying.push(trigger.name.clone());
        }
    }
    staying
}

/// Whether a trigger stays and only others come and go around it.
pub fn only_moves(change: &Change, from: &Schema, to: &Schema) -> bool {
    let Change::Replace(pair) = change else {
        return false;
    };
    if pair.to.kind != Kind::Trigger {
        return false;
    }
    let key = moment(&pair.to);
    let group = |schema| moments(schema).remove(&key).unwrap_or_default();
    let stays = staying(&group(from), &group(to));
    stays.contains(&pair.to.name)
}

/// The triggers that are made, each with its place among those that stand by then.
pub fn placed(difference: &Difference, from: &Schema, to: &Schema) -> Vec<Object> {
    let changed = |trigger: &Object| {
        difference.changes.iter().any(|change| match change {
            Change::Create(id) => *id == trigger.id(),
            Change::Replace(pair) => pair.to.id() == trigger.id(),
            _ => false,
        })
    };
    let mut old = moments(from);
    let mut made = Vec::new();
    for (key, new) in moments(to) {
        let before = old.remove(&key).unwrap_or_default();
        let stays = staying(&before, &new);
        for (at, trigger) in new.iter().enumerate() {
            if stays.contains(&trigger.name) || !changed(trigger) {
                continue;
            }
            let previous = at.checked_sub(1).and_then(|at| new.get(at));
            let next = new
                .iter()
                .skip(at + 1)
                .find(|next| stays.contains(&next.name));
            let order = match (previous, next) {
                (Some(previous), _) => Some(format!("FOLLOWS {}", quoted(&previous.name))),
                (None, Some(next)) => Some(format!("PRECEDES {}", quoted(&next.name))),
                (None, None) => None,
            };
            let mut trigger = (*trigger).clone();
            trigger
                .options
                .extend(order.map(|order| ("order".to_owned(), order)));
            made.push(trigger);
        }
    }
    made
}

fn quoted(name: &str) -> String {
    super::clause::quote(name)
}
