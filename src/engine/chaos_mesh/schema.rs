//! The kinds of Chaos Mesh that can be emitted: their fields and what each field takes.
//!
//! Chaos Mesh drops a field that it does not know, without a word (T3), and reads many texts otherwise than they look
//! (`10Mbps` is bytes, T16). So a body is held against these tables while it is spelled. They list what works at master
//! after 2.8.3 and in 2.5 to 2.8; fields that are there and broken (`HTTPChaos.tls`, `StressChaos.stressngStressors`,
//! times of `IOChaos.attr`) are left out on purpose: naming one is refused like a typing error (T29, T32, T40).
//! `selector`, `mode`, `value`, `duration` and `remoteCluster` are written by the engine, never by a body.

/// What a field takes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// Any text; numbers and quantities are spelled as text.
    Text,
    /// One of these words.
    Words(&'static [&'static str]),
    /// A share from 0 to 100 as quoted decimal without `%`.
    Share,
    /// A length of time as one integer and one unit.
    Time,
    /// A length of time as a bare number of milliseconds.
    Millis,
    /// A length of time as a bare number of seconds.
    Seconds,
    /// A signed Go duration.
    Offset,
    /// A network speed: integer and bit unit.
    Speed,
    /// A size: integer and unit.
    Size,
    /// A whole number in a range, both ends included.
    Int(i64, i64),
    /// `true`, `false`.
    Bool,
    /// A list of texts.
    Texts,
    /// A size as chaosd reads it: integer and unit, but never a bare number.
    MachineSize,
    /// A speed in bytes per second with its unit, as chaosd reads it.
    MachineSpeed,
    /// A whole number as text.
    IntText(i64, i64),
    /// A length of time as text: a bare number of seconds.
    SecondsText,
    /// A list of these words.
    WordList(&'static [&'static str]),
    /// A map of texts.
    TextMap,
    /// A list of pairs of texts.
    Pairs,
    /// Text that is printed in base64.
    Base64,
    /// A second target: `{ mode, value, selector }`.
    Target,
    /// A record of its own.
    Record(&'static [Field]),
}

/// A field: its key and what it takes.
pub(super) type Field = (&'static str, Shape);

/// Which containers a kind hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Containers {
    /// The kind has no such field (the API server would drop it).
    No,
    /// `containerNames`, the first container if absent.
    Yes,
    /// Only this action reads it, and it must be given (W6).
    ActionOnly(&'static str),
}

/// What a kind hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hits {
    /// Pods: `selector`, `mode`, `value`.
    Pods,
    /// Registered machines: the same three fields, with a selector of their own.
    Machines,
    /// One thing of a cloud, which the body names; nothing is drawn.
    Cloud,
}

/// A kind of fault.
#[derive(Debug)]
pub(super) struct Kind {
    /// `NetworkChaos`.
    pub(super) name: &'static str,
    /// The key of its spec in a Workflow's template: `networkChaos`.
    pub(super) embed: &'static str,
    /// Its resource: `networkchaos`.
    pub(super) resource: &'static str,
    /// What it hits.
    pub(super) hits: Hits,
    /// Actions that fire once: they have no recovery, and ignore a duration (T13) or have nothing to undo at its end.
    pub(super) instant: &'static [&'static str],
    /// Whether it takes `containerNames`.
    pub(super) containers: Containers,
    /// The fields of its spec.
    pub(super) fields: &'static [Field],
}

/// The kind of a name.
pub(super) fn find(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|k| k.name == name)
}

/// Why a kind that Chaos Mesh has is never emitted.
pub(super) fn why_not(name: &str) -> Option<&'static str> {
    Some(match name {
        "KernelChaos" => "it has been broken since Chaos Mesh 2.3: every injection fails (its issue 4059)",
        "PodNetworkChaos" | "PodIOChaos" | "PodHttpChaos" => "it is Chaos Mesh's own record of what it did to a pod",
        "Workflow" | "WorkflowNode" | "Schedule" | "StatusCheck" => "it is not a fault",
        _ => return None,
    })
}

/// A number without an upper bound of its own.
pub(super) const MANY: i64 = i64::MAX;
/// The largest `uint32`.
pub(super) const U32: i64 = u32::MAX as i64;

const DELAY_REORDER: &[Field] =
    &[("reorder", Shape::Share), ("correlation", Shape::Share), ("gap", Shape::Int(0, MANY))];
const BANDWIDTH: &[Field] = &[
    ("rate", Shape::Speed),
    ("limit", Shape::Int(1, U32)),
    ("buffer", Shape::Int(1, U32)),
    ("peakrate", Shape::Int(0, MANY)),
    ("minburst", Shape::Int(0, U32)),
];
const NETWORK: &[Field] = &[
    ("action", Shape::Words(&["netem", "delay", "loss", "duplicate", "corrupt", "partition", "bandwidth"])),
    ("device", Shape::Text),
    ("targetDevice", Shape::Text),
    ("direction", Shape::Words(&["to", "from", "both"])),
    ("target", Shape::Target),
    ("externalTargets", Shape::Texts),
    (
        "delay",
        Shape::Record(&[
            ("latency", Shape::Time),
            ("jitter", Shape::Time),
            ("correlation", Shape::Share),
            ("reorder", Shape::Record(DELAY_REORDER)),
        ]),
    ),
    ("loss", Shape::Record(&[("loss", Shape::Share), ("correlation", Shape::Share)])),
    ("duplicate", Shape::Record(&[("duplicate", Shape::Share), ("correlation", Shape::Share)])),
    ("corrupt", Shape::Record(&[("corrupt", Shape::Share), ("correlation", Shape::Share)])),
    ("rate", Shape::Record(&[("rate", Shape::Speed)])),
    ("bandwidth", Shape::Record(BANDWIDTH)),
];

const POD: &[Field] = &[
    ("action", Shape::Words(&["pod-kill", "pod-failure", "container-kill"])),
    ("gracePeriod", Shape::Seconds),
    ("containerNames", Shape::Texts),
];

/// File operations that IOChaos knows; an unknown one is dropped (T27).
const IO_METHODS: &[&str] = &[
    "lookup",
    "forget",
    "getattr",
    "setattr",
    "readlink",
    "mknod",
    "mkdir",
    "unlink",
    "rmdir",
    "symlink",
    "rename",
    "link",
    "open",
    "read",
    "write",
    "flush",
    "release",
    "fsync",
    "opendir",
    "readdir",
    "releasedir",
    "fsyncdir",
    "statfs",
    "setxattr",
    "getxattr",
    "listxattr",
    "removexattr",
    "access",
    "create",
    "getlk",
    "setlk",
    "bmap",
];
const IO_ATTR: &[Field] = &[
    ("ino", Shape::Int(0, MANY)),
    ("size", Shape::Int(0, MANY)),
    ("blocks", Shape::Int(0, MANY)),
    (
        "kind",
        Shape::Words(&["namedPipe", "charDevice", "blockDevice", "directory", "regularFile", "symlink", "socket"]),
    ),
    ("perm", Shape::Int(0, 0o7777)),
    ("nlink", Shape::Int(0, U32)),
    ("uid", Shape::Int(0, U32)),
    ("gid", Shape::Int(0, U32)),
    ("rdev", Shape::Int(0, U32)),
];
const IO: &[Field] = &[
    ("action", Shape::Words(&["latency", "fault", "attrOverride", "mistake"])),
    ("volumePath", Shape::Text),
    ("path", Shape::Text),
    ("methods", Shape::WordList(IO_METHODS)),
    // 0 cannot be said: the default of 100 comes back (T2).
    ("percent", Shape::Int(1, 100)),
    ("delay", Shape::Time),
    ("errno", Shape::Int(1, 4095)),
    ("attr", Shape::Record(IO_ATTR)),
    (
        "mistake",
        Shape::Record(&[
            ("filling", Shape::Words(&["zero", "random"])),
            ("maxOccurrences", Shape::Int(1, MANY)),
            ("maxLength", Shape::Int(1, MANY)),
        ]),
    ),
    ("containerNames", Shape::Texts),
];

const STRESS: &[Field] = &[
    (
        "stressors",
        Shape::Record(&[
            (
                "cpu",
                Shape::Record(&[
                    // 0 stresses nothing and reports "injected" (T30).
                    ("workers", Shape::Int(1, 8192)),
                    ("load", Shape::Int(0, 100)),
                    ("options", Shape::Texts),
                ]),
            ),
            (
                "memory",
                Shape::Record(&[
                    ("workers", Shape::Int(1, 8192)),
                    ("size", Shape::Size),
                    ("oomScoreAdj", Shape::Int(-1000, 1000)),
                    ("options", Shape::Texts),
                ]),
            ),
        ]),
    ),
    ("containerNames", Shape::Texts),
];

const CLOCKS: &[&str] = &[
    "CLOCK_REALTIME",
    "CLOCK_MONOTONIC",
    "CLOCK_PROCESS_CPUTIME_ID",
    "CLOCK_THREAD_CPUTIME_ID",
    "CLOCK_MONOTONIC_RAW",
    "CLOCK_REALTIME_COARSE",
    "CLOCK_MONOTONIC_COARSE",
    "CLOCK_BOOTTIME",
    "CLOCK_REALTIME_ALARM",
    "CLOCK_BOOTTIME_ALARM",
];
const TIME: &[Field] =
    &[("timeOffset", Shape::Offset), ("clockIds", Shape::WordList(CLOCKS)), ("containerNames", Shape::Texts)];

const DNS: &[Field] =
    &[("action", Shape::Words(&["error", "random"])), ("patterns", Shape::Texts), ("containerNames", Shape::Texts)];

const HTTP: &[Field] = &[
    ("target", Shape::Words(&["Request", "Response"])),
    ("port", Shape::Int(1, 65_535)),
    ("path", Shape::Text),
    ("method", Shape::Words(&["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT"])),
    // The API's own spelling: in camel case they are dropped, and the filter with them (T36).
    ("request_headers", Shape::TextMap),
    ("response_headers", Shape::TextMap),
    ("code", Shape::Int(100, 599)),
    ("abort", Shape::Bool),
    ("delay", Shape::Time),
    (
        "replace",
        Shape::Record(&[
            ("path", Shape::Text),
            ("method", Shape::Text),
            ("queries", Shape::TextMap),
            ("code", Shape::Int(100, 599)),
            ("headers", Shape::TextMap),
            ("body", Shape::Base64),
        ]),
    ),
    (
        "patch",
        Shape::Record(&[
            ("body", Shape::Record(&[("type", Shape::Words(&["JSON"])), ("value", Shape::Text)])),
            ("queries", Shape::Pairs),
            ("headers", Shape::Pairs),
        ]),
    ),
];

const JVM: &[Field] = &[
    ("action", Shape::Words(&["latency", "return", "exception", "stress", "gc", "ruleData", "mysql"])),
    ("class", Shape::Text),
    ("method", Shape::Text),
    ("latency", Shape::Millis),
    ("returnValue", Shape::Text),
    ("exception", Shape::Text),
    ("cpuCount", Shape::Int(1, MANY)),
    ("memType", Shape::Words(&["stack", "heap"])),
    ("mysqlConnectorVersion", Shape::Words(&["5", "8"])),
    ("database", Shape::Text),
    ("table", Shape::Text),
    ("sqlType", Shape::Words(&["select", "insert", "update", "delete", "replace"])),
    ("ruleData", Shape::Text),
    ("port", Shape::Int(1, 65_535)),
    ("name", Shape::Text),
    ("containerNames", Shape::Texts),
];

const BLOCK: &[Field] = &[
    ("action", Shape::Words(&["delay"])),
    ("volumeName", Shape::Text),
    ("delay", Shape::Record(&[("latency", Shape::Time), ("jitter", Shape::Time), ("correlation", Shape::Share)])),
    ("containerNames", Shape::Texts),
];

const AWS: &[Field] = &[
    ("action", Shape::Words(&["ec2-stop", "ec2-restart", "detach-volume"])),
    ("secretName", Shape::Text),
    ("awsRegion", Shape::Text),
    ("endpoint", Shape::Text),
    ("ec2Instance", Shape::Text),
    ("volumeID", Shape::Text),
    ("deviceName", Shape::Text),
];

const GCP: &[Field] = &[
    ("action", Shape::Words(&["node-stop", "node-reset", "disk-loss"])),
    ("secretName", Shape::Text),
    ("project", Shape::Text),
    ("zone", Shape::Text),
    ("instance", Shape::Text),
    ("deviceNames", Shape::Texts),
];

const AZURE: &[Field] = &[
    ("action", Shape::Words(&["vm-stop", "vm-restart", "disk-detach"])),
    ("secretName", Shape::Text),
    ("subscriptionID", Shape::Text),
    ("resourceGroupName", Shape::Text),
    ("vmName", Shape::Text),
    ("diskName", Shape::Text),
    ("lun", Shape::Int(0, 63)),
];

/// Every kind that can be emitted.
pub(super) const KINDS: &[Kind] = &[
    kind(
        "PodChaos",
        "podChaos",
        "podchaos",
        Containers::ActionOnly("container-kill"),
        POD,
        &["pod-kill", "container-kill"],
    ),
    kind("NetworkChaos", "networkChaos", "networkchaos", Containers::No, NETWORK, &[]),
    kind("IOChaos", "ioChaos", "iochaos", Containers::Yes, IO, &[]),
    kind("StressChaos", "stressChaos", "stresschaos", Containers::Yes, STRESS, &[]),
    kind("TimeChaos", "timeChaos", "timechaos", Containers::Yes, TIME, &[]),
    kind("DNSChaos", "dnsChaos", "dnschaos", Containers::Yes, DNS, &[]),
    kind("HTTPChaos", "httpChaos", "httpchaos", Containers::No, HTTP, &[]),
    kind("JVMChaos", "jvmChaos", "jvmchaos", Containers::Yes, JVM, &["gc"]),
    kind("BlockChaos", "blockChaos", "blockchaos", Containers::Yes, BLOCK, &[]),
    other("AWSChaos", "awsChaos", "awschaos", Hits::Cloud, AWS, &["ec2-restart"]),
    other("GCPChaos", "gcpChaos", "gcpchaos", Hits::Cloud, GCP, &["node-reset"]),
    other("AzureChaos", "azureChaos", "azurechaos", Hits::Cloud, AZURE, &["vm-restart"]),
    other(
        "PhysicalMachineChaos",
        "physicalmachineChaos",
        "physicalmachinechaos",
        Hits::Machines,
        super::machine_schema::MACHINE,
        super::machine_schema::NOT_UNDONE,
    ),
];

const fn other(
    name: &'static str,
    embed: &'static str,
    resource: &'static str,
    hits: Hits,
    fields: &'static [Field],
    instant: &'static [&'static str],
) -> Kind {
    Kind { name, embed, resource, hits, instant, containers: Containers::No, fields }
}

const fn kind(
    name: &'static str,
    embed: &'static str,
    resource: &'static str,
    containers: Containers,
    fields: &'static [Field],
    instant: &'static [&'static str],
) -> Kind {
    Kind { name, embed, resource, hits: Hits::Pods, instant, containers, fields }
}
