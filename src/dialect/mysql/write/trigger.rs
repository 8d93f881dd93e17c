//! Plans the order of triggers of one event: which must be created again, and at which position.

use std::collections::{BTreeMap, HashSet};

use crate::model::schema::{Id, Kind, Object, Schema};

/// The triggers of one event, in their order.
type Moments<'s> = BTreeMap<String, Vec<&'s Object>>;

/// The table, the time and the event of a trigger, from its definition.
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

/// Puts each trigger after the one that it follows.
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

/// The triggers that stay: equal but for their position, and in the old relative order.
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

/// The triggers that stay as they are while others are added and dropped around them.
pub fn kept(from: &Schema, to: &Schema) -> HashSet<Id> {
    let mut old = moments(from);
    let mut kept = HashSet::new();
    for (key, new) in moments(to) {
        let before = old.remove(&key).unwrap_or_default();
        let stays = staying(&before, &new);
        let stays = new.iter().filter(|trigger| stays.contains(&trigger.name));
        kept.extend(stays.map(|trigger| trigger.id()));
    }
    kept
}

/// The triggers that are created, each with its position among those that exist by then.
pub fn placed(changed: &HashSet<Id>, from: &Schema, to: &Schema) -> Vec<Object> {
    let mut old = moments(from);
    let mut made = Vec::new();
    for (key, new) in moments(to) {
        let before = old.remove(&key).unwrap_or_default();
        let stays = staying(&before, &new);
        for (at, trigger) in new.iter().enumerate() {
            if stays.contains(&trigger.name) || !changed.contains(&trigger.id()) {
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
