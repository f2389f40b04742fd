//! A draw: which of the candidates are hit. The same candidates and the same chance give the same draw, on every machine.

use crate::engine::drive::Target;
use crate::plan::Quantity;

/// What is hit; `None` if there are too few candidates. Sorted by id, as the candidates are.
#[must_use]
pub fn draw(quantity: Quantity, candidates: &[Target], entropy: u64) -> Option<Vec<Target>> {
    let all = u32::try_from(candidates.len()).unwrap_or(u32::MAX);
    let wanted = quantity.of(all);
    if wanted == 0 || wanted > all {
        return None;
    }
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    let mut state = entropy;
    let wanted = wanted as usize;
    // Fisher and Yates, as far as it is needed.
    for place in 0..wanted {
        let left = order.len() - place;
        let other = place + below(&mut state, left as u64) as usize;
        order.swap(place, other);
    }
    order.truncate(wanted);
    order.sort_unstable();
    Some(order.into_iter().filter_map(|i| candidates.get(i).cloned()).collect())
}

/// A number from 0 to `bound` − 1, each as likely as the others.
fn below(state: &mut u64, bound: u64) -> u64 {
    let bound = bound.max(1);
    // Numbers from the last, incomplete stretch would favour the small ones.
    let fair = u64::MAX - u64::MAX % bound;
    loop {
        let number = next(state);
        if number < fair {
            return number % bound;
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn targets(n: usize) -> Vec<Target> {
        (0..n).map(|i| Target { id: format!("t{i}").into(), service: None, facts: BTreeMap::new() }).collect()
    }

    #[test]
    fn draws_as_many_as_the_language_says() {
        let share = |text: &str| Quantity::Share(text.parse().unwrap());
        assert_eq!(draw(share("50%"), &targets(3), 1).unwrap().len(), 1);
        assert_eq!(draw(share("1%"), &targets(3), 1).unwrap().len(), 1);
        assert_eq!(draw(Quantity::All, &targets(3), 1).unwrap().len(), 3);
        assert_eq!(draw(Quantity::Exactly(3), &targets(2), 1), None);
        assert_eq!(draw(Quantity::All, &targets(0), 1), None);
    }

    #[test]
    fn every_candidate_is_as_likely() {
        let all = targets(5);
        let mut hits: BTreeMap<String, u32> = BTreeMap::new();
        for entropy in 0..10_000u64 {
            for target in draw(Quantity::Exactly(2), &all, entropy.wrapping_mul(0x1234_5678_9abc_def1)).unwrap() {
                *hits.entry(target.id.to_string()).or_default() += 1;
            }
        }
        // 2 of 5 in 10,000 draws: 4,000 each, five standard deviations are 245.
        assert!(hits.values().all(|n| (3_755..=4_245).contains(n)), "{hits:?}");
    }
}
