//! An SLO's facts, from its indicator: how much of the error budget is left or spent, and how fast it burns.
//!
//! bad = 1 − indicator over a window; allowed = 1 − objective. Burn rate = bad ÷ allowed. Spent in a stretch of time = burn
//! rate × stretch ÷ the SLO's window.

use std::time::Duration;

use super::{Missing, Prober};

use crate::plan::{MetricUnit, ObjectiveFact, Source, over_window};
use crate::types::{self, Decimal};

/// What is asked of an SLO.
pub struct Asked {
    pub what: ObjectiveFact,
    pub unit: MetricUnit,
    pub objective: Decimal,
    pub window: types::Duration,
    pub over: Option<types::Duration>,
    pub running: Duration,
}

/// Prometheus needs a few samples in a window to say anything.
const SHORTEST: u64 = 60;

impl Prober {
    pub(super) async fn objective(&self, indicator: &Source, asked: &Asked) -> Result<Decimal, Missing> {
        let running = types::Duration::from_nanos(u64::try_from(asked.running.as_nanos()).unwrap_or(u64::MAX))
            .unwrap_or(asked.window);
        let shortest = types::Duration::from_nanos(SHORTEST * 1_000_000_000).unwrap_or_default();
        let over = match asked.what {
            ObjectiveFact::BudgetLeft => asked.window,
            ObjectiveFact::BudgetSpent => running.max(shortest),
            ObjectiveFact::BurnRate => asked.over.unwrap_or(asked.window),
        };
        let Source::Prometheus { server, query } = indicator else {
            return Err(Missing::new("an SLO is computed from an indicator that Prometheus answers"));
        };
        let query = over_window(query, over);
        let measured = self.prometheus(server.as_ref(), &query).await?;
        spent(measured, asked, over)
            .ok_or_else(|| Missing::new("the objective leaves no budget, or the indicator is no share"))
    }
}

/// In percent of the budget, or as a multiple for a burn rate.
pub fn spent(measured: Decimal, asked: &Asked, over: types::Duration) -> Option<Decimal> {
    let good = if asked.unit == MetricUnit::Ratio { measured } else { measured.checked_div(Decimal::ONE_HUNDRED)? };
    let allowed = Decimal::ONE.checked_sub(asked.objective.checked_div(Decimal::ONE_HUNDRED)?)?;
    let burn = Decimal::ONE.checked_sub(good)?.checked_div(allowed)?;
    let share = over.as_secs_decimal().checked_div(asked.window.as_secs_decimal())?;
    match asked.what {
        ObjectiveFact::BurnRate => Some(burn),
        ObjectiveFact::BudgetSpent => burn.checked_mul(share)?.checked_mul(Decimal::ONE_HUNDRED),
        ObjectiveFact::BudgetLeft => Decimal::ONE.checked_sub(burn)?.checked_mul(Decimal::ONE_HUNDRED),
    }
}
