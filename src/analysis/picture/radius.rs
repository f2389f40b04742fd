//! The rows of the blast radius: a bar for each service, the list of stretches, the worst case.

use std::fmt::Write as _;

use super::{Canvas, LineKind, MOST_STRETCHES, numbers};
use crate::analysis::timeline::{Lane, LaneKind, Radius};
use crate::types::Percent;

impl Canvas<'_> {
    pub(super) fn radius(&mut self) {
        self.text("");
        let mut services: Vec<&str> = self.timeline.radius.iter().map(|r| r.service.as_str()).collect();
        services.sort_unstable();
        services.dedup();
        for service in services {
            let mut bar: Vec<Option<u64>> = vec![None; self.bar];
            for part in self.timeline.radius.iter().filter(|r| r.service == service) {
                let from = self.column(part.from).min(self.bar.saturating_sub(1));
                let to = self.column(part.to).max(from + 1);
                for cell in bar.iter_mut().take(to).skip(from) {
                    *cell = Some(cell.unwrap_or(0).max(height(part.share)));
                }
            }
            let bar = bar.into_iter().map(|cell| match cell {
                None => ' ',
                Some(UNKNOWN) => '?',
                Some(eighths) => usize::try_from(eighths.saturating_sub(1))
                    .ok()
                    .and_then(|i| self.marks.levels.get(i).copied())
                    .unwrap_or('?'),
            });
            let bar = bar.collect();
            self.row(LineKind::Radius, &format!("hit of {service}"), bar);
        }
        let parts = self.timeline.stretches();
        for part in parts.iter().take(MOST_STRETCHES) {
            let text = self.stretch(part);
            self.push(LineKind::Radius, text);
        }
        let hidden = parts.len().saturating_sub(MOST_STRETCHES);
        if hidden > 0 {
            self.text(format!("  and {hidden} more stretches, not listed"));
        }
        let worst = match (self.timeline.worst, parts.iter().find(|r| r.share == self.timeline.worst)) {
            (Some(worst), Some(part)) => {
                format!("worst case: {worst} of {}, between {} and {}", part.service, part.from, part.to)
            }
            (Some(_), None) => "worst case: nothing is hit".to_owned(),
            (None, _) => "worst case: known at preflight, when the pods are counted".to_owned(),
        };
        self.push(LineKind::Radius, worst);
    }

    fn stretch(&self, part: &Radius) -> String {
        let mut text = format!("  {}..{}  {}: ", part.from, part.to, part.service);
        // Writing into a String cannot fail.
        let _ = match (part.pods, part.share) {
            (Some((hit, ready)), Some(share)) => write!(text, "{hit} of {ready} pods, {share}"),
            (_, Some(share)) => write!(text, "{share}"),
            (_, None) => write!(text, "known at preflight"),
        };
        let by = |lane: &Lane| matches!(lane.kind, LaneKind::Fault(fault) if part.faults.contains(&fault));
        let steps = (1..).zip(&self.timeline.lanes).filter(|(_, lane)| by(lane)).map(|(number, _)| number);
        let _ = write!(text, " ({})", numbers("step", "steps", &steps.collect::<Vec<usize>>()));
        text
    }
}

/// Above every share: unknown is shown before all, as it may be more.
const UNKNOWN: u64 = u64::MAX;

/// A share in eighths, rounded up.
fn height(share: Option<Percent>) -> u64 {
    use rust_decimal::prelude::ToPrimitive;
    let Some(share) = share else { return UNKNOWN };
    let eighths = share.0 * rust_decimal::Decimal::from(8) / rust_decimal::Decimal::ONE_HUNDRED;
    eighths.ceil().to_u64().unwrap_or(8).clamp(1, 8)
}
