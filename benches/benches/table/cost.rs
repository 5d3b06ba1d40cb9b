use countersign_benches::catalogue::Name;
use countersign_benches::stub::Answer;

use crate::{allocations, instructions, medians};

/// What one operation costs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) allocations: u64,
    /// Not known where valgrind is not installed.
    pub(crate) instructions: Option<u64>,
    /// Not known where it is not timed.
    pub(crate) nanoseconds: Option<f64>,
}

impl Cost {
    /// How many times the instructions of `base`.
    pub(crate) fn ratio_to(self, base: Self) -> Option<f64> {
        Some(count(self.instructions?) / count(base.instructions?))
    }

    fn less(self, part: Self) -> Self {
        let instructions = self.instructions.zip(part.instructions);
        let nanoseconds = self.nanoseconds.zip(part.nanoseconds);
        Self {
            allocations: self.allocations.saturating_sub(part.allocations),
            instructions: instructions.map(|(whole, part)| whole.saturating_sub(part)),
            nanoseconds: nanoseconds.map(|(whole, part)| whole - part),
        }
    }
}

/// What all operations cost.
pub(crate) struct Costs(Vec<(Name, Cost)>);

impl Costs {
    /// Counts all of them.
    pub(crate) fn count() -> Result<Self, String> {
        let counts_instructions = instructions::can_be_counted();
        let cost = |name: Name| {
            let instructions =
                if counts_instructions { Some(instructions::of(name)?) } else { None };
            let allocations = allocations::of(name);
            Ok((name, Cost { allocations, instructions, nanoseconds: medians::of(name) }))
        };
        Name::all().map(cost).collect::<Result<_, _>>().map(Self)
    }

    /// What this one costs.
    pub(crate) fn of(&self, name: Name) -> Cost {
        let cost = self.0.iter().find(|(counted, _)| *counted == name);
        cost.map_or_else(|| unreachable!("all were counted"), |(_, cost)| *cost)
    }

    /// Countersign's exchange after the callback was judged: `complete()` less `verify()`.
    pub(crate) fn exchange(&self, answer: Answer) -> Cost {
        self.of(Name::Complete(answer)).less(self.of(Name::Verify))
    }

    /// Whether instructions were counted.
    pub(crate) fn has_instructions(&self) -> bool {
        self.of(Name::Verify).instructions.is_some()
    }
}

#[expect(clippy::cast_precision_loss, reason = "a ratio is shown to two digits")]
fn count(instructions: u64) -> f64 {
    instructions as f64
}
