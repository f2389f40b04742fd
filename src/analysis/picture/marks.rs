//! The characters that a picture is made of, and what they mean. One set for terminals that show Unicode, one in ASCII.

/// The characters of a picture.
pub(super) struct Marks {
    pub(super) sure: char,
    pub(super) shortest: char,
    pub(super) possible: char,
    pub(super) moment: char,
    pub(super) judged: char,
    pub(super) weaker: char,
    pub(super) armed: char,
    pub(super) powerless: char,
    pub(super) axis: char,
    pub(super) tick: char,
    pub(super) more: char,
    /// Tenths of a service: up to 12.5%, 25%, … 100%.
    pub(super) levels: [char; 8],
}

pub(super) const UNICODE: Marks = Marks {
    sure: '█',
    shortest: '▓',
    possible: '░',
    moment: '◆',
    judged: '═',
    weaker: '~',
    armed: '─',
    powerless: '┄',
    axis: '─',
    tick: '┬',
    more: '…',
    levels: ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
};

pub(super) const ASCII: Marks = Marks {
    sure: '#',
    shortest: '+',
    possible: '.',
    moment: '*',
    judged: '=',
    weaker: '~',
    armed: '-',
    powerless: '.',
    axis: '-',
    tick: '+',
    more: '~',
    levels: ['1', '2', '3', '4', '5', '6', '7', '8'],
};

impl Marks {
    /// What each character means, in lines of at most 80 columns.
    pub(super) fn legend(&self) -> [String; 3] {
        let (first, last) = (self.levels[0], self.levels[7]);
        [
            format!(
                "{} surely there  {} in the shortest run  {} possibly  {} a moment, at its earliest",
                self.sure, self.shortest, self.possible, self.moment
            ),
            format!(
                "{} judged as written  {} against the weaker bound (if all takes its longest)",
                self.judged, self.weaker
            ),
            format!(
                "{} armed  {} armed, nothing left to undo  {first}..{last} share of a service  ? unknown",
                self.armed, self.powerless
            ),
        ]
    }
}
