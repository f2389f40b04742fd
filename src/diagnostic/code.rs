//! Every code, one row each: number, name, severity, title. The page `docs/errors/P0123.md` holds the rest.
//!
//! Numbers never change and are never used again. Ranges:
//! P00xx text and syntax · P01xx names and imports · P02xx types and values · P03xx targets and faults ·
//! P04xx proofs about an experiment · P05xx policy and place · P06xx engines · P07xx project and catalogue ·
//! P08xx import, P085x cases · P09xx rules above errors (`perturb lint`).

use serde::{Serialize, Serializer};

use super::Severity;

/// A stable code, printed as `P0123`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(u16);

/// What the table says of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeInfo {
    /// The code.
    pub code: Code,
    /// In Rust's spelling, e.g. `UNKNOWN_NAME`.
    pub name: &'static str,
    /// Its severity.
    pub severity: Severity,
    /// Its title: a noun phrase.
    pub title: &'static str,
}

impl Code {
    /// The number behind the `P`.
    #[must_use]
    pub fn number(self) -> u16 {
        self.0
    }

    /// Its row.
    #[must_use]
    pub fn info(self) -> &'static CodeInfo {
        // Codes are only made by the table below, so each has a row.
        TABLE.iter().find(|row| row.code == self).unwrap_or(&TABLE[0])
    }

    /// The code of a text such as `P0123` or `p123`, if the table has it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(['P', 'p']).unwrap_or(text);
        let number: u16 = digits.parse().ok()?;
        TABLE.iter().map(|row| row.code).find(|code| code.0 == number)
    }

    /// Whether `perturb lint` finds it.
    #[must_use]
    pub fn is_lint(self) -> bool {
        (900..950).contains(&self.0)
    }

    /// Whether it is a rule that can be allowed: all of `perturb lint` but those about `allow` itself.
    #[must_use]
    pub fn is_rule(self) -> bool {
        self.is_lint() && self.0 >= 910
    }

    /// All rows, in the order of their numbers.
    #[must_use]
    pub fn all() -> &'static [CodeInfo] {
        TABLE
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "P{:04}", self.0)
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

macro_rules! codes {
    ($($number:literal $name:ident $severity:ident $title:literal;)+) => {
        impl Code {
            $(#[doc = $title] pub const $name: Code = Code($number);)+
        }
        const TABLE: &[CodeInfo] = &[
            $(CodeInfo { code: Code($number), name: stringify!($name), severity: Severity::$severity, title: $title },)+
        ];
    };
}

codes! {
    // P00xx text and syntax
    1 SYNTAX Error "text that does not fit the grammar";
    2 INVALID_UTF8 Error "bytes that are not UTF-8";
    3 BYTE_ORDER_MARK Warning "a byte-order mark";
    4 NUL_BYTE Error "NUL bytes";
    5 CARRIAGE_RETURN Warning "line ends of Windows";
    6 FILE_TOO_LARGE Error "a file that is too large";
    7 LONG_LINE Warning "a line of extraordinary length";
    8 TOO_DEEP Error "brackets or operators that are nested too deeply";
    9 UNCLOSED_TEXT Error "a text that does not end";
    10 FOREIGN_COMMENT Error "a comment in the form of another language";
    11 UNCLOSED_COMMENT Error "a comment that does not end";
    12 UNCLOSED_BRACKET Error "a bracket that is not closed";
    13 STRAY_BRACKET Error "a bracket that closes nothing";
    14 MISSING_BLOCK Error "a block that is missing";
    15 MISSING_VALUE Error "a value that is missing";
    16 MISSING_NAME Error "a name that is missing";
    17 MISSING_SEPARATOR Error "a comma or line end that is missing";
    18 UNKNOWN_ITEM Error "an item that begins with an unknown word";
    19 UNKNOWN_LINE Error "a line that begins with an unknown word";
    20 EQUALS_FOR_COLON Error "`=` where `:` is wanted";
    21 DASH_ITEM Error "a dash before an item";
    22 DASH_LIST Error "a list with dashes";
    23 FOREIGN_OPERATOR Error "an operator of another language";
    24 IF Error "`if`, which is not a word of the language";
    25 MIXED_LOGIC Error "`and` and `or` without parentheses";
    26 OPERATOR_SPACING Error "an operator without a blank on both sides";
    27 GIVEN_WHEN_THEN Error "`given`, `when` and `then`, which are not blocks of the language";
    28 HOLD_WHILE_DURING Error "`hold`, `while` or `during` around steps";
    29 RECOVERY_FIELD Error "`recovery` written as a field";
    30 UNNAMED_EXPECTATION Error "an expectation without a name";
    31 MISSING_REASON Error "a rule without a reason";
    32 SEMICOLON Error "a semicolon";
    33 EQUALS_IN_MAP Error "a map written with `=`";
    34 MISSING_WITHIN Error "a time limit that is missing";
    35 MISSING_COLON Error "a colon that is missing";
    36 MISPLACED_LINE Error "a line in a block where it means nothing";
    37 MISPLACED_TAIL Error "an ending that means nothing on its line";
    38 CHAINED_COMPARISON Error "comparisons in a chain";
    39 MISSING_WITH Error "a fault around steps without `with`";
    40 BAD_NAME Error "a name that is not spelled like one";
    41 MISSING_WORD Error "a word that is missing";
    42 SINGLE_EQUALS Error "`=` between two values";
    43 FOREIGN_QUOTES Error "quotes of another language";
    50 UNKNOWN_UNIT Error "an unknown unit";
    51 SPACE_BEFORE_UNIT Error "a blank between a number and its unit";
    52 NUMBER_TOO_LARGE Error "a number that is too large";
    53 BAD_DATE Error "a date that no calendar has";
    54 BAD_CLOCK Error "a time of day that no clock shows";
    55 BAD_ESCAPE Error "an unknown escape in a text";
    56 BAD_NUMBER Error "a number that is not written like one";

    // P01xx names and imports
    101 UNKNOWN_NAME Error "a name that nothing declares";
    102 UNKNOWN_FILE Error "an import of a file or module that does not exist";
    103 IMPORT_CYCLE Error "files that import each other in a ring";
    104 IMPORT_WITHOUT_NAMES Error "an import that makes nothing visible";
    105 DECLARED_TWICE Error "a declaration of a name that is visible already";
    106 NEEDS_ITSELF Error "a value that needs itself";
    107 BEHIND_TOO_MANY Error "a value behind too many others";

    // P02xx types and values
    201 TYPE_MISMATCH Error "a value of another type than is wanted";
    202 WITHOUT_UNIT Error "a number without its unit";
    203 QUOTED_WORD Error "a word or name in quotes";
    204 OUT_OF_RANGE Error "a value out of its range";
    205 NOT_A_URL Error "text that is not a URL";
    206 NOT_A_HOST Error "text that is not a host";
    207 UNKNOWN_WORD Error "a word that its enumeration does not have";
    208 UNKNOWN_MEMBER Error "a member that something does not have";
    209 NO_CONVERSION Error "a conversion to a unit that does not fit";
    210 SECRET_IN_TEXT Error "a secret that is put into text";
    211 NOT_COMPARABLE Error "two things that do not compare";
    212 MATCH_NOT_COMPLETE Error "a match that does not name every word";
    213 TOO_MANY_MEMBERS Error "a list or range that is too long";
    214 NOT_A_NUMBER Error "a calculation without a result";
    215 UNKNOWN_TYPE Error "a type that does not exist";
    216 GIVEN_TWICE Error "something that is given twice";
    217 UNKNOWN_FIELD Error "a field that a word does not have";
    218 MISSING_FIELD Error "a field that must be there";
    219 MISSING_ARGUMENT Error "an argument that must be there";
    220 UNKNOWN_ARGUMENT Error "an argument that nothing takes";
    221 ARGUMENT_WITHOUT_NAME Error "a second argument without its name";
    222 NOT_CALLABLE Error "a call of something that cannot be called";
    223 ZERO_TIME Error "a time of no length";
    224 METRIC_SOURCE Error "a metric without one source of samples";
    225 METRIC_TYPE Error "a metric of something that cannot be measured";
    226 TEXT_TOO_LONG Error "a text that is too long";
    227 PATTERN Error "a pattern that cannot be used";
    228 SECRET_IN_THE_OPEN Error "a password or key in the open";
    229 INDICATOR_WINDOW Error "an indicator that no error budget can be counted with";
    230 PATIENCE_TOO_SHORT Error "a patience that is over before the next sample";

    // P03xx targets and faults
    301 SELECTOR_WITHOUT_QUANTITY Error "a selector where a target is wanted: how many?";
    302 NOT_A_SELECTOR Error "a quantity of something that is no selector";
    303 NOTHING_TO_HIT Error "a service that is not ours to hit";
    304 WITHOUT_NAMESPACE Error "pods without a namespace";
    305 NOT_EXACTLY_ONE Error "a zone or node that may be several";
    306 FAULT_TARGET Error "a fault whose first parameter is no target";
    307 FAULT_WITHOUT_ENGINE Error "a fault that no engine can do";
    308 NOT_A_FAULT Error "a step that names no fault";
    309 LASTING_WITHOUT_END Error "a lasting fault without an end";
    310 INSTANT_WITH_TIME Error "an instant fault with a duration";
    311 STEP_NOT_HERE Error "a step in a place where it means nothing";
    312 BARE_WAIT_BRANCH Error "a bare wait as a branch of parallel";
    313 EMPTY_METHOD Error "a method without a fault";
    314 INCOMPLETE Error "an experiment without one of its parts";
    315 NOT_A_CONDITION Error "an expectation, check or guard of something that is not measured";
    316 BUT_WITHOUT_BOUND Error "a `but` behind something that is no bound";
    317 EMPTY_LOOP Error "a loop over nothing";
    318 TWO_BLOCKS Error "a block that is written twice";
    319 NOT_NARROWER Error "a selector that asks for what it narrows away";

    // P04xx proofs about an experiment
    400 CONFLICT Error "two faults of one mechanism at once on the same targets";
    401 POSSIBLE_CONFLICT Warning "two faults of one mechanism at once on targets that may meet";
    402 ENDS_BY_ITSELF Error "a fault that ends by itself at another time than its step";
    410 CANNOT_FAIL Error "an expectation or check that cannot fail";
    411 CANNOT_HOLD Error "an expectation or check that cannot hold";
    412 NEVER_JUDGED Error "an expectation that may never be judged";
    413 BUT_NOT_WEAKER Error "a bound during faults that is not weaker";
    414 GRACE_COVERS_PHASE Error "a grace that is not shorter than its phase";
    415 GRACE_WITHOUT_EFFECT Warning "a grace in no phase that has one";
    416 GRACE_SHORTER_THAN_WINDOW Warning "a grace shorter than the window of its metric";
    417 CHECK_SEES_ONE_SAMPLE Warning "a check that is over before its metric is asked again";
    418 RECOVERY_OF_NOTHING Error "a recovery of which nothing says what it is";
    420 GUARD_NEVER Error "a guard that can never fire";
    421 GUARD_ALWAYS Error "a guard that fires at once";
    422 HOLD_BETWEEN_SAMPLES Warning "a guard that waits for less than the pause between two samples";
    423 GUARD_TOO_LATE Warning "a guard that would come after the end of the faults";
    424 LASTING_WITHOUT_GUARD Error "a lasting fault without an abort guard";
    425 IRREVERSIBLE Warning "a fault that cannot be undone";
    426 QUIET_IN_SILENCE Warning "a guard that silence keeps quiet";
    430 WINDOW_LONGER_THAN_FAULT Warning "a window longer than the faults that it should see";
    431 WINDOW_LONGER_THAN_RECOVERY Warning "a window longer than the recovery that it should see";
    435 RANGE_WITHOUT_WINDOW Error "a Prometheus range in a metric without a window";
    436 RANGE_OTHER_THAN_WINDOW Error "a Prometheus range that differs from the window of its metric";
    440 GUARD_BLINDED Error "a guard whose monitoring runs on what is hit";
    441 GUARD_PROBES_TARGET Warning "a guard that probes what is hit";
    442 EXPECTATION_BLINDED Warning "an expectation whose monitoring runs on what is hit";
    445 PROTECTED_NAMESPACE Error "a target in a namespace that must not be hit";
    446 WHOLE_NAMESPACE Error "a selector that takes a whole namespace";
    448 NODE_MAY_HOLD_ENGINE Warning "a node or zone on which the engine itself may run";
    449 BAD_SELECTOR Error "a selector that Kubernetes cannot read";
    452 OTHER_TEAM Warning "another team's service without its approval";
    453 OTHER_TEAM_PROTECTED Error "another team's service in a protected environment without its approval";
    454 UNRELATED_SERVICE Warning "a fault on what the service does not depend on";
    459 HOURS_REVERSED Error "open hours that end before they begin";
    460 CLOSED_REVERSED Error "closed days that end before they begin";
    461 CLOSED_WITHOUT_EFFECT Warning "closed days on which it is never open";
    462 HOURS_NEVER_MEET Error "open hours that never meet";
    463 HOURS_TOO_SHORT Error "open hours shorter than the run";
    464 STALE_VERDICT Warning "a verdict that is stale before the next run";
    465 BAD_CRON Error "a schedule that is not a cron text";
    466 CRON_NEVER Error "a schedule that never comes";
    467 PERIOD_TOO_SHORT Error "a schedule that comes again before the run has ended";
    468 NEVER_IN_HOURS Error "a schedule that is never followed by enough open hours";
    469 SOMETIMES_NOT_IN_HOURS Warning "a schedule that is not always followed by enough open hours";
    470 INCIDENT_NOT_LEARNED_FROM Warning "an incident that no experiment learned from";
    475 LOST_ON_RESTART Warning "a fault that a restart takes away before its end";
    476 MORE_THAN_THERE Error "more targets than there are";
    477 SHARE_LARGER Warning "a share that is really much larger";
    478 WHOLE_CRITICAL Warning "all of a critical service at once in a protected environment";
    480 NO_ENGINE Error "a fault that no engine of the cluster can do";
    481 TWO_ENGINES Warning "an experiment that needs two engines";
    482 NOTHING_HOLDS Warning "an experiment that nothing can hold where it may run";
    490 NAME_TOO_LONG Error "a name that leaves no room for what engines append";
    491 NAME_NOT_FOR_KUBERNETES Error "a name that Kubernetes would refuse";

    // P05xx policy and place
    501 POLICY_BROKEN Error "an experiment that breaks a policy";
    502 PROTECTED_WITHOUT_POLICY Error "a protected environment that no policy covers";
    503 UNKNOWN_DAY Error "a day of the week that does not exist";
    504 UNKNOWN_ZONE Error "a time zone that does not exist";
    505 NOT_CLUSTERS Error "a place that is no quantity of clusters";
    506 NOT_RUNNABLE Error "a run of something that cannot be run";
    507 SAME_NAME_TWICE Error "two runs that would have one name";
    508 ROLE_UNKNOWN Error "somebody who has no role here";
    509 NOWHERE_TO_RUN Error "an experiment that may run nowhere";
    510 RUN_NOT_ALLOWED Error "a run in an environment where its experiment may not run";
    511 NO_PLAN Error "an experiment without a plan, and without a reason";
    512 EMPTY_POLICY Error "a policy that asks for nothing, or covers nothing";
    513 RULE_WITHOUT_EFFECT Error "a rule that nothing can break";

    // P06xx engines
    601 FAULT_NOT_IN_CHAOS_MESH Error "a fault that Chaos Mesh cannot express";
    602 TARGET_NOT_IN_CHAOS_MESH Error "a target that Chaos Mesh cannot draw";
    603 QUANTITY_NOT_IN_CHAOS_MESH Error "a quantity that Chaos Mesh cannot count out";
    604 STEP_NOT_IN_CHAOS_MESH Error "a step that a Workflow of Chaos Mesh cannot take";
    605 NO_SPELLING_IN_CHAOS_MESH Error "a value that Chaos Mesh has no spelling for";
    606 UNKNOWN_CHAOS_MESH_KIND Error "a kind of Chaos Mesh that cannot be emitted";
    607 UNKNOWN_CHAOS_MESH_FIELD Error "a field that Chaos Mesh would drop";
    608 CHAOS_MESH_TRAP Error "a body that Chaos Mesh would take and not do";
    609 GATE_URL Error "a gate's address that Chaos Mesh cannot ask";
    610 CHAOS_MESH_NOT_HERE Error "a cluster without Chaos Mesh";
    611 GATE_IS_HIT Error "a target that may hit the gate";
    650 LITMUS_FAULT Error "a fault that Litmus cannot do with these arguments";
    651 LITMUS_TARGET Error "a target that Litmus cannot select";
    652 LITMUS_COUNT Error "a number of targets that Litmus cannot draw";
    653 LITMUS_VALUE Error "a value that Litmus would misread";
    654 LITMUS_PROBE Error "a condition that Litmus cannot judge";
    655 LITMUS_STEP Error "a step that a Litmus workflow does not have";
    656 LITMUS_BODY Error "a litmus body that does not fit together";
    657 LITMUS_NOT_HERE Error "a cluster without Litmus";

    // P07xx project and catalogue
    701 PROJECT_SYNTAX Error "a `perturb.toml` that is not TOML";
    702 PROJECT_UNKNOWN_KEY Error "a setting that does not exist";
    703 PROJECT_TYPE Error "a setting of the wrong kind";
    704 PROJECT_GLOB Error "an `exclude` that is no glob";
    705 PROJECT_PLACE Error "a `place` that is none";
    706 PROJECT_UNKNOWN_PLACE Error "a `place` that nothing declares";
    707 PROJECT_UNKNOWN_TEAM Error "signers of a team that nothing declares";
    708 PROJECT_SIGNERS_FILE Error "a file of signers that does not exist";
    710 APPROXIMATION Error "an approximation, refused under `--strict`";
    711 UNWATCHED Warning "a restriction that nothing in the cluster looks at";
    712 DRAWN_OTHERWISE Error "a policy that does not hold as an engine draws";

    // P072x what runs on the machine itself
    720 LOCAL_REPLICA Error "a local replica that does not fit together";
    721 LOCAL_ADDRESS Error "an address that is none";
    722 LOCAL_NARROWED Error "processes narrowed by what only pods have";
    723 LOCAL_NO_PATH Error "a fault of a path to processes that have none";
    724 LOCAL_NO_PROCESS Error "a fault of processes that nobody can find";

    // P08xx import
    801 IMPORT_YAML Error "a manifest that is not YAML";
    802 IMPORT_NOTHING Error "files in which there is nothing to import";
    803 IMPORT_CANNOT_SAY Error "something in a manifest that has no equivalent";
    804 IMPORT_WRONG Error "a manifest that its engine refuses or misreads";
    805 IMPORT_TOOLKIT Error "a mistake in an experiment of Chaos Toolkit";
    806 NOBODY_REACHED Warning "a team that nobody reaches";
    807 IMPORT_DIFFERS Warning "something imported that asks a little more than it did";

    // P085x cases (`perturb test`)
    850 CASE_SYNTAX Error "a line that no case can say";
    851 CASE_TIME Error "a time in a case that is none";
    852 CASE_VERDICT Error "a verdict that does not exist";
    853 CASE_EMPTY Error "a case that expects nothing";
    854 CASE_TWICE Error "two cases of one name";
    855 CASE_UNKNOWN Error "a case about something that is not there";
    856 CASE_VALUE Error "a value of another type than its metric";
    857 CASE_BROKEN Error "a case that does not end as it expects";

    // P09xx rules above errors
    900 ALLOW_WITHOUT_REASON Warning "an allow without a reason";
    901 ALLOW_WITHOUT_EFFECT Warning "an allow that allows nothing";
    902 UNKNOWN_ALLOW Warning "an allow of something that is no rule";
    910 UNUSED_LET Warning "a let that nothing names";
    911 UNUSED_IMPORT Warning "an import that nothing names";
    912 UNUSED_PARAMETER Warning "a parameter that its body does not name";
    913 MISSING_DOC Warning "a declaration without a doc comment";
    914 TELLING_NAME Warning "a name that repeats its word";
    915 DUPLICATE_EXPERIMENT Warning "an experiment that says what another one says";
    920 NO_RATIONALE Warning "an experiment that does not say why it is there";
    921 CANNOT_BE_REFUTED Warning "a hypothesis that no run can refute";
    922 UNOWNED_EXPECTATION Warning "an expectation that nobody owns";
    930 LONG_FAULT Warning "a fault that lasts longer than anything needs";
    931 OFF_HOURS Warning "a cron in nobody's working hours";
    940 DEAD_LINK Warning "a link to a file that is not there";
}
