//! The fields of PhysicalMachineChaos: one block for each action, named like it.
//!
//! As `schema.rs`; the words of an action's block are chaosd's. Blocks that no action reaches (`http-*`) and fields that
//! cannot work (`redisPath`) are left out, so that naming one is refused.

use super::schema::{Field, MANY, Shape, U32};

/// Actions that chaosd does not undo. `process` is undone where its signal is STOP (19) or a command to recover is given.
pub(super) const NOT_UNDONE: &[&str] = &[
    "disk-read-payload",
    "process",
    "redis-expiration",
    "redis-penetration",
    "redis-restart",
    "kafka-flood",
    "jvm-gc",
];

const PROTOCOLS: &[&str] = &["tcp", "udp", "icmp", "all"];
const PORTS: Shape = Shape::Text;

const STRESS_CPU: &[Field] =
    &[("load", Shape::Int(1, 100)), ("workers", Shape::Int(1, 8192)), ("options", Shape::Texts)];
const STRESS_MEM: &[Field] = &[("size", Shape::MachineSize), ("options", Shape::Texts)];
const PAYLOAD: &[Field] =
    &[("size", Shape::MachineSize), ("path", Shape::Text), ("payload-process-num", Shape::Int(1, 255))];
const FILL: &[Field] = &[("size", Shape::MachineSize), ("path", Shape::Text), ("fill-by-fallocate", Shape::Bool)];
const LOSS: &[Field] = &[
    ("device", Shape::Text),
    ("percent", Shape::Share),
    ("correlation", Shape::Share),
    ("source-port", PORTS),
    ("egress-port", PORTS),
    ("ip-address", Shape::Text),
    ("ip-protocol", Shape::Words(PROTOCOLS)),
    ("hostname", Shape::Text),
];
const DELAY: &[Field] = &[
    ("device", Shape::Text),
    ("latency", Shape::Time),
    ("jitter", Shape::Time),
    ("correlation", Shape::Share),
    ("source-port", PORTS),
    ("egress-port", PORTS),
    ("ip-address", Shape::Text),
    ("ip-protocol", Shape::Words(PROTOCOLS)),
    ("hostname", Shape::Text),
    ("accept-tcp-flags", Shape::Text),
];
const PARTITION: &[Field] = &[
    ("device", Shape::Text),
    ("direction", Shape::Words(&["to", "from"])),
    ("ip-address", Shape::Text),
    ("ip-protocol", Shape::Words(PROTOCOLS)),
    ("hostname", Shape::Text),
    ("accept-tcp-flags", Shape::Text),
];
const BANDWIDTH: &[Field] = &[
    ("device", Shape::Text),
    ("rate", Shape::MachineSpeed),
    ("limit", Shape::Int(1, U32)),
    ("buffer", Shape::Int(1, U32)),
    ("peakrate", Shape::Int(0, MANY)),
    ("minburst", Shape::Int(0, U32)),
    ("ip-address", Shape::Text),
    ("hostname", Shape::Text),
];
const DNS: &[Field] = &[("dns-server", Shape::Text), ("dns-ip", Shape::Text), ("dns-domain-name", Shape::Text)];
const FLOOD: &[Field] = &[
    ("ip-address", Shape::Text),
    ("port", Shape::IntText(1, 65_535)),
    ("rate", Shape::IntText(1, MANY)),
    ("duration", Shape::SecondsText),
    ("parallel", Shape::Int(1, U32)),
];
const DOWN: &[Field] = &[("device", Shape::Text), ("duration", Shape::SecondsText)];
const PROCESS: &[Field] = &[("process", Shape::Text), ("signal", Shape::Int(1, 64)), ("recoverCmd", Shape::Text)];
const CLOCK: &[Field] =
    &[("pid", Shape::Int(1, MANY)), ("time-offset", Shape::Offset), ("clock-ids-slice", Shape::Text)];

const PID: Field = ("pid", Shape::Int(1, MANY));
const PORT: Field = ("port", Shape::Int(1, 65_535));
const JVM_EXCEPTION: &[Field] =
    &[PID, PORT, ("class", Shape::Text), ("method", Shape::Text), ("exception", Shape::Text)];
const JVM_RETURN: &[Field] = &[PID, PORT, ("class", Shape::Text), ("method", Shape::Text), ("value", Shape::Text)];
const JVM_LATENCY: &[Field] = &[PID, PORT, ("class", Shape::Text), ("method", Shape::Text), ("latency", Shape::Millis)];
const JVM_STRESS: &[Field] =
    &[PID, PORT, ("cpu-count", Shape::Int(1, MANY)), ("mem-type", Shape::Words(&["stack", "heap"]))];
const JVM_GC: &[Field] = &[PID, PORT];
const JVM_RULE: &[Field] = &[PID, PORT, ("rule-data", Shape::Text)];
const JVM_MYSQL: &[Field] = &[
    PID,
    PORT,
    ("mysqlConnectorVersion", Shape::Words(&["5", "8"])),
    ("database", Shape::Text),
    ("table", Shape::Text),
    ("sqlType", Shape::Words(&["select", "insert", "update", "delete", "replace"])),
    ("exception", Shape::Text),
    ("latency", Shape::Millis),
];

const REDIS: [Field; 2] = [("addr", Shape::Text), ("password", Shape::Text)];
const REDIS_EXPIRATION: &[Field] = &[REDIS[0], REDIS[1], ("key", Shape::Text), ("expiration", Shape::Text)];
const REDIS_PENETRATION: &[Field] = &[REDIS[0], REDIS[1], ("requestNum", Shape::Int(1, MANY))];
const REDIS_CACHE: &[Field] = &[REDIS[0], REDIS[1], ("cacheSize", Shape::Text), ("percent", Shape::Text)];
const REDIS_SERVER: &[Field] = &[REDIS[0], REDIS[1], ("conf", Shape::Text), ("flushConfig", Shape::Bool)];

const KAFKA_FILL: &[Field] = &[
    ("host", Shape::Text),
    ("port", Shape::Int(1, 65_535)),
    ("topic", Shape::Text),
    ("username", Shape::Text),
    ("password", Shape::Text),
    ("messageSize", Shape::Int(1, U32)),
    ("maxBytes", Shape::Int(1, MANY)),
    ("reloadCommand", Shape::Text),
];
const KAFKA_FLOOD: &[Field] = &[
    ("host", Shape::Text),
    ("port", Shape::Int(1, 65_535)),
    ("topic", Shape::Text),
    ("username", Shape::Text),
    ("password", Shape::Text),
    ("messageSize", Shape::Int(1, U32)),
    ("threads", Shape::Int(1, U32)),
];
const KAFKA_IO: &[Field] =
    &[("topic", Shape::Text), ("configFile", Shape::Text), ("nonReadable", Shape::Bool), ("nonWritable", Shape::Bool)];

const FILE: &[Field] = &[("file-name", Shape::Text), ("dir-name", Shape::Text)];
const FILE_MODIFY: &[Field] = &[("file-name", Shape::Text), ("privilege", Shape::Int(1, 0o7777))];
const FILE_RENAME: &[Field] = &[("source-file", Shape::Text), ("dest-file", Shape::Text)];
const FILE_APPEND: &[Field] = &[("file-name", Shape::Text), ("data", Shape::Text), ("count", Shape::Int(1, U32))];
const FILE_REPLACE: &[Field] = &[
    ("file-name", Shape::Text),
    ("origin-string", Shape::Text),
    ("dest-string", Shape::Text),
    ("line", Shape::Int(1, U32)),
];

/// The spec without its target and length.
pub(super) const MACHINE: &[Field] = &[
    ("action", Shape::Words(ACTIONS)),
    ("uid", Shape::Text),
    ("stress-cpu", Shape::Record(STRESS_CPU)),
    ("stress-mem", Shape::Record(STRESS_MEM)),
    ("disk-read-payload", Shape::Record(PAYLOAD)),
    ("disk-write-payload", Shape::Record(PAYLOAD)),
    ("disk-fill", Shape::Record(FILL)),
    ("network-corrupt", Shape::Record(LOSS)),
    ("network-duplicate", Shape::Record(LOSS)),
    ("network-loss", Shape::Record(LOSS)),
    ("network-delay", Shape::Record(DELAY)),
    ("network-partition", Shape::Record(PARTITION)),
    ("network-dns", Shape::Record(DNS)),
    ("network-bandwidth", Shape::Record(BANDWIDTH)),
    ("network-flood", Shape::Record(FLOOD)),
    ("network-down", Shape::Record(DOWN)),
    ("process", Shape::Record(PROCESS)),
    ("jvm-exception", Shape::Record(JVM_EXCEPTION)),
    ("jvm-gc", Shape::Record(JVM_GC)),
    ("jvm-latency", Shape::Record(JVM_LATENCY)),
    ("jvm-return", Shape::Record(JVM_RETURN)),
    ("jvm-stress", Shape::Record(JVM_STRESS)),
    ("jvm-rule-data", Shape::Record(JVM_RULE)),
    ("jvm-mysql", Shape::Record(JVM_MYSQL)),
    ("clock", Shape::Record(CLOCK)),
    ("redis-expiration", Shape::Record(REDIS_EXPIRATION)),
    ("redis-penetration", Shape::Record(REDIS_PENETRATION)),
    ("redis-cacheLimit", Shape::Record(REDIS_CACHE)),
    ("redis-restart", Shape::Record(REDIS_SERVER)),
    ("redis-stop", Shape::Record(REDIS_SERVER)),
    ("kafka-fill", Shape::Record(KAFKA_FILL)),
    ("kafka-flood", Shape::Record(KAFKA_FLOOD)),
    ("kafka-io", Shape::Record(KAFKA_IO)),
    ("file-create", Shape::Record(FILE)),
    ("file-delete", Shape::Record(FILE)),
    ("file-modify", Shape::Record(FILE_MODIFY)),
    ("file-rename", Shape::Record(FILE_RENAME)),
    ("file-append", Shape::Record(FILE_APPEND)),
    ("file-replace", Shape::Record(FILE_REPLACE)),
    ("vm", Shape::Record(&[("vm-name", Shape::Text)])),
    ("user_defined", Shape::Record(&[("attackCmd", Shape::Text), ("recoverCmd", Shape::Text)])),
];

/// Every action; each wants the block of its name.
pub(super) const ACTIONS: &[&str] = &[
    "stress-cpu",
    "stress-mem",
    "disk-read-payload",
    "disk-write-payload",
    "disk-fill",
    "network-corrupt",
    "network-duplicate",
    "network-loss",
    "network-delay",
    "network-partition",
    "network-dns",
    "network-bandwidth",
    "network-flood",
    "network-down",
    "process",
    "jvm-exception",
    "jvm-gc",
    "jvm-latency",
    "jvm-return",
    "jvm-stress",
    "jvm-rule-data",
    "jvm-mysql",
    "clock",
    "redis-expiration",
    "redis-penetration",
    "redis-cacheLimit",
    "redis-restart",
    "redis-stop",
    "kafka-fill",
    "kafka-flood",
    "kafka-io",
    "file-create",
    "file-modify",
    "file-delete",
    "file-rename",
    "file-append",
    "file-replace",
    "vm",
    "user_defined",
];
