/// A rule of the protocol, which a [`Fleet`](crate::Fleet) may have to do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Begin writes an intent, which outlives the lease.
    Intent,
    /// Begin looks at the intents of others in the write, rather than by a read before it.
    IntentInTheWrite,
    /// Begin compares the generation that was read with the one that is there.
    SecondLook,
    /// An intent belongs to a generation: it goes when the next one is saved.
    GenerationOnIntent,
    /// A save compares the generation.
    GenerationOnSave,
    /// Every step compares the epoch.
    Epoch,
    /// `invalid_grant` is believed only after another look at the store. Alone it is not missed:
    /// what it would be wrong to mark, the mark's own rules refuse.
    ReadingAgain,
    /// A mark compares the epoch and the generation that it is said of.
    GenerationOnMark,
    /// What is written under a lease is refused once somebody else has had one.
    Fence,
    /// A lease is released by its owner alone.
    Owner,
    /// Nothing is sent once the lease has nearly run out.
    Gate,
    /// Who has surely not sent takes the own intent back.
    OwnClear,
    /// A begin that was not answered is taken back when it comes after its clear.
    ClearAgain,
    /// A save is accepted whoever holds the lease.
    SaveWithoutFence,
    /// A mark leaves the generation alone.
    MarkKeepsGeneration,
    /// Resealing leaves the generation alone.
    ResealKeepsGeneration,
    /// Grace is counted from the first attempt, not from the latest.
    GraceFromTheFirst,
    /// `Unknown` is marked only where an intent stands.
    UnknownForAnIntent,
    /// A tombstone stays as long as a step may come that adopts where nothing was.
    TombstonesStay,
    /// A tombstone that was refused, so that another grant is to be buried, gets another epoch.
    FreshTombstone,
    /// A takeover counts on the time that may pass between begin and the gate.
    TakeoverCountsTheGate,
    /// A token rests when it is saved while others have intents, whoever saves it.
    RestForIntents,
}

/// The rules that are taken out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Without(u32);

impl Without {
    /// These ones.
    #[must_use]
    pub fn these(rules: &[Rule]) -> Self {
        Self(rules.iter().fold(0, |bits, rule| bits | 1 << *rule as u32))
    }

    /// Whether this one is taken out.
    #[must_use]
    pub fn lacks(self, rule: Rule) -> bool {
        self.0 & 1 << rule as u32 != 0
    }
}
