//! Topological order of items by their dependencies.

use std::collections::HashMap;

/// The items, each behind its dependencies; items of a cycle in their given order.
pub fn ordered<'i, T: ?Sized, F>(items: &[&'i T], describe: F) -> Vec<&'i T>
where
    F: Fn(&'i T) -> (&'i str, Vec<&'i str>),
{
    let described: Vec<(&str, Vec<&str>)> = items.iter().map(|item| describe(item)).collect();
    let places: HashMap<&str, usize> = described
        .iter()
        .enumerate()
        .map(|(at, (name, _))| (*name, at))
        .collect();
    let mut seen = vec![false; items.len()];
    let mut order = Vec::with_capacity(items.len());
    for start in 0..items.len() {
        // An explicit stack, because chains may be long; `true` if the dependencies are done.
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
            let needs = described
                .get(at)
                .map_or(&[][..], |(_, needs)| needs.as_slice());
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
