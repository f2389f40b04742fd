//! An approval, from the file that is signed to the journal that keeps who did, with the real ssh-keygen.

use std::path::Path;
use std::process::{Command, Output};

const PROJECT: &str = r##"
import std.{pod}

team us { contact: "#us" }
team them { contact: "#them" }
service thing { owner: us, tier: low, local: { a: { command: ["perturb", "demo", "service", "--name", "t", "--listen", "127.0.0.1:PORT"], ready: { http: "http://127.0.0.1:PORT/health" } } } }
metric answers(of: Service): Bool { http: { url: "http://127.0.0.1:PORT/health", answer: ok }, every: 200ms, timeout: 2s, patience: 8s }
cluster laptop { engines: [local] }
environment here { clusters: [laptop] }

experiment is-lost {
  service:  thing
  baseline: 1s
  hypothesis {
    expect up: answers(thing) == true except during faults
    recovery automatic within 10s
  }
  guard {
    abort when answers(thing) == false for 8s
    approval by them
  }
  method { pod.kill(all of thing.pods) }
}
"##;

fn run(folder: &Path, program: &str, arguments: &[&str]) -> Output {
    Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env("PERTURB_JOURNAL", folder.join("journal.db"))
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn an_approval_is_written_signed_given_and_kept() {
    if Command::new("ssh-keygen").arg("-?").output().is_err() {
        let required = std::env::var("PERTURB_REQUIRE_SERVERS").is_ok_and(|value| !value.is_empty());
        assert!(!required, "`ssh-keygen` is not there, and PERTURB_REQUIRE_SERVERS says that it must be");
        eprintln!("SKIPPED: `ssh-keygen` is not there");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let folder = home.path();
    let perturb = |arguments: &[&str]| run(folder, env!("CARGO_BIN_EXE_perturb"), arguments);
    let keygen = |arguments: &[&str]| assert!(run(folder, "ssh-keygen", arguments).status.success(), "{arguments:?}");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    std::fs::write(folder.join("p.chaos"), PROJECT.replace("PORT", &port.to_string())).unwrap();
    std::fs::write(folder.join("perturb.toml"), "[approvals]\nthem = \"them\"\n").unwrap();
    for name in ["alice", "mallory"] {
        keygen(&["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", name]);
    }
    let public = std::fs::read_to_string(folder.join("alice.pub")).unwrap();
    std::fs::write(folder.join("them"), format!("alice@bank.example {public}")).unwrap();

    // Nobody approved.
    let refused = |arguments: &[&str], reason: &str| {
        let out = perturb(&[&["run", "p.chaos"], arguments].concat());
        let said = text(&out.stdout);
        assert_eq!(out.status.code(), Some(3), "{said}{}", text(&out.stderr));
        assert!(said.contains(reason), "no `{reason}` in\n{said}");
    };
    refused(&[], "✗ approval by them: no signed approval was given: `perturb approve` writes what is signed");

    // What is signed is written, and how is said.
    let out = perturb(&["approve", "p.chaos", "-o", "a.json"]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    assert!(text(&out.stderr).contains("ssh-keygen -Y sign -n perturb-approval -f ~/.ssh/id_ed25519 a.json"));
    assert!(text(&out.stdout).contains("\"place\": \"here/laptop\""), "{}", text(&out.stdout));
    refused(&["--approval", "a.json"], "it is not signed, and this project counts signed approvals only");
    keygen(&["-q", "-Y", "sign", "-n", "perturb-approval", "-f", "mallory", "a.json"]);
    refused(&["--approval", "a.json"], "which is no key of `them` (them)");

    // The right one. A second opinion: OpenSSH verifies the same.
    std::fs::remove_file(folder.join("a.json.sig")).unwrap();
    keygen(&["-q", "-Y", "sign", "-n", "perturb-approval", "-f", "alice", "a.json"]);
    let out = perturb(&["run", "p.chaos", "--approval", "a.json"]);
    assert_eq!(out.status.code(), Some(0), "{}{}", text(&out.stdout), text(&out.stderr));
    let print = text(&run(folder, "ssh-keygen", &["-lf", "alice.pub"]).stdout);
    let print = print.split_whitespace().nth(1).unwrap();
    // Two runs were refused before; the latest is the one that ran.
    let runs = text(&perturb(&["runs", "--json"]).stdout);
    let latest: serde_json::Value = serde_json::from_str(runs.lines().next().unwrap()).unwrap();
    let shown = text(&perturb(&["show", latest["run"].as_str().unwrap()]).stdout);
    assert!(
        shown.contains(&format!("approved for them by alice@bank.example (signed with {print}, until ")),
        "{shown}"
    );
    let verified = Command::new("ssh-keygen")
        .args(["-Y", "verify", "-f", "them", "-I", "alice@bank.example", "-n", "perturb-approval", "-s", "a.json.sig"])
        .current_dir(folder)
        .stdin(std::fs::File::open(folder.join("a.json")).unwrap())
        .output()
        .unwrap();
    assert!(verified.status.success(), "{}", text(&verified.stderr));

    // Every kind of key that people have. nistp521 is not taken, which a unit test holds.
    let kinds: [(&str, &[&str]); 3] = [
        ("p256", &["-t", "ecdsa", "-b", "256"]),
        ("p384", &["-t", "ecdsa", "-b", "384"]),
        ("rsa", &["-t", "rsa", "-b", "2048"]),
    ];
    for (name, kind) in kinds {
        keygen(&[&["-q", "-N", "", "-C", name, "-f", name], kind].concat());
        let public = std::fs::read_to_string(folder.join(format!("{name}.pub"))).unwrap();
        std::fs::write(folder.join("them"), format!("{name} {public}")).unwrap();
        std::fs::remove_file(folder.join("a.json.sig")).unwrap();
        keygen(&["-q", "-Y", "sign", "-n", "perturb-approval", "-f", name, "a.json"]);
        let out = perturb(&["run", "p.chaos", "--dry", "--approval", "a.json"]);
        let said = text(&out.stdout);
        assert!(out.status.success() && said.contains(&format!("approved for them by {name} (signed with ")), "{said}");
    }
    std::fs::write(folder.join("them"), format!("alice@bank.example {public}")).unwrap();
    std::fs::remove_file(folder.join("a.json.sig")).unwrap();
    keygen(&["-q", "-Y", "sign", "-n", "perturb-approval", "-f", "alice", "a.json"]);

    // Another text is another plan.
    let changed = PROJECT.replace("PORT", &port.to_string()).replace("baseline: 1s", "baseline: 2s");
    std::fs::write(folder.join("p.chaos"), changed).unwrap();
    refused(&["--approval", "a.json"], "the text was changed");
    // A file of signers that cannot be read whole is refused whole.
    std::fs::write(folder.join("them"), format!("alice verify-required {public}")).unwrap();
    let out = perturb(&["run", "p.chaos"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(text(&out.stderr).contains("them:1: the option `verify-required` is not known"), "{}", text(&out.stderr));
}
