//! Measuring in turn: what is compared runs in the same rounds, so that whatever else the machine does meets all alike.

use std::time::Duration;

use super::Result;

/// How many rounds, and how long each contestant runs in one.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    rounds: usize,
    length: Duration,
}

impl Plan {
    /// Five rounds of this length, or, to see that everything works, two that are as short as they can be.
    pub fn new(length: Duration, is_smoke: bool) -> Self {
        if is_smoke {
            Self { rounds: 2, length: Duration::from_millis(50) }
        } else {
            Self { rounds: 5, length }
        }
    }
}

/// Something that can be done many times in a row.
pub struct Contestant<'a> {
    name: String,
    per_second: Box<dyn FnMut(Duration) -> Result<f64> + 'a>,
}

impl<'a> Contestant<'a> {
    /// `per_second` does it for about that long, and says how often it could be done in a second.
    pub fn new(name: impl Into<String>, per_second: impl FnMut(Duration) -> Result<f64> + 'a) -> Self {
        Self { name: name.into(), per_second: Box::new(per_second) }
    }
}

/// How often something could be done in a second, round by round.
#[derive(Clone, Debug)]
pub struct Series {
    /// What was done.
    pub name: String,
    /// Once for each round.
    pub figures: Vec<f64>,
}

/// Runs all of them in turn, after a short run of each that does not count. Every other round goes backwards: nobody
/// always runs after the same one, and a machine that gets slower all the time does so for all.
pub fn measure(contestants: &mut [Contestant<'_>], plan: Plan) -> Result<Vec<Series>> {
    let mut series: Vec<Series> = contestants
        .iter()
        .map(|contestant| Series { name: contestant.name.clone(), figures: Vec::new() })
        .collect();
    for contestant in &mut *contestants {
        (contestant.per_second)(plan.length / 4)?;
    }
    for round in 0..plan.rounds {
        let mut pairs: Vec<_> = contestants.iter_mut().zip(&mut series).collect();
        if round % 2 == 1 {
            pairs.reverse();
        }
        for (contestant, series) in pairs {
            series.figures.push((contestant.per_second)(plan.length)?);
        }
    }
    Ok(series)
}
