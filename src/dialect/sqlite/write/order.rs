//! Puts things behind those that they need.

use std::collections::HashMap;

/// The items, each behind what it needs; where needs go round in a circle, in the order in which
/// they were given.
pub fn ordered<'i, T: ?Sized, F>(items: &[&'i T], tells: F) -> Vec<&'i T>
where
    F: Fn(&'i T) -> (&'i str, Vec<&'i str>),
{
    let told: Vec<(&str, Vec<&str>)> = items.iter().map(|item| tells(item)).collect();
    let places: HashMap<&str, usize> = told
        .iter()
        .enumerate()
        .map(|(at, (name, _))| (*name, at))
        .collect();
    let mut seen = vec![false; items.len()];
    let mut order = Vec::with_capacity(items.len());
    for start in 0..items.len() {
        // A stack of its own, because chains may be long: `true` when all needs are behind it.
        let mut stack = vec![(start, false)];
        while let Some((at, done)) = stack.pop() {
            if done {
                order.extend(items.get(at).copied());
                continue;
            }
            let Some(seen) = seen.get_mut(at).filter(|seen| !**seen) else {
                continue;
            };
            *seen = true;
            stack.push((at, true));
            let needs = told.get(at).map_or(&[][..], |(_, needs)| needs.as_slice());
            stack.extend(
                needs
                    .iter()
                    .rev()
                    .filter_map(|need| places.get(need))
                    .map(|at| (*at, false)),
            );
        }
    }
    order
}
