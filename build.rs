//! Builds the browser assets (`npm run build` bundles scripts and styles and copies the font from
//! its package) into `OUT_DIR/assets`, each file also compressed. So the repository contains no
//! third-party files. The codes of emoji (`:name:`) become a sorted table in `OUT_DIR/shortcodes.rs`.
//!
//! `PATIO_ASSETS` names a folder that was built elsewhere with the same command. Node is not needed
//! then.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

fn main() {
    for watched in [
        "build.rs",
        "package.json",
        "package-lock.json",
        ".npmrc",
        "script/emoji.mjs",
        "static",
        "migrations",
        "locales",
    ] {
        println!("cargo::rerun-if-changed={watched}");
    }
    println!("cargo::rerun-if-env-changed=PATIO_ASSETS");
    fold_equal_functions();
    if let Err(error) = build() {
        for line in error.lines() {
            println!("cargo::error={line}");
        }
        std::process::exit(1);
    }
}

/// Generic code becomes many functions that are equal; of these the linker keeps one. Only LLD knows the option, which
/// is Rust's linker on this platform unless flags name another one.
fn fold_equal_functions() {
    let value = |name| env::var_os(name).unwrap_or_default().into_string().unwrap_or_default();
    let flags = value("CARGO_ENCODED_RUSTFLAGS");
    let is_lld = value("TARGET") == "x86_64-unknown-linux-gnu"
        && !["linker", "fuse-ld"].iter().any(|other| flags.contains(other));
    if is_lld && value("PROFILE") == "release" {
        println!("cargo::rustc-link-arg-bins=-Wl,--icf=all");
    }
}

fn build() -> Result<(), String> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    let assets = out.join("assets");
    let io = |error: io::Error| format!("cannot write {}: {error}", assets.display());
    if assets.exists() {
        fs::remove_dir_all(&assets).map_err(io)?;
    }
    match env::var_os("PATIO_ASSETS") {
        Some(built) => copy(Path::new(&built), &assets).map_err(io)?,
        None => bundle(&out.join("npm"), &assets)?,
    }
    write_shortcodes(&assets, &out.join("shortcodes.rs")).map_err(io)?;
    compress(&assets).map_err(io)
}

/// Works on copies in the output folder, so that the sources stay unchanged.
fn bundle(work: &Path, assets: &Path) -> Result<(), String> {
    let io = |error: io::Error| format!("cannot write {}: {error}", work.display());
    fs::create_dir_all(work).map_err(io)?;
    let lock = fs::read("package-lock.json").map_err(|e| format!("package-lock.json: {e}"))?;
    fs::create_dir_all(work.join("script")).map_err(io)?;
    for name in ["package.json", "package-lock.json", ".npmrc", "script/emoji.mjs"] {
        fs::copy(name, work.join(name)).map_err(io)?;
    }
    let sources = work.join("static");
    if sources.exists() {
        fs::remove_dir_all(&sources).map_err(io)?;
    }
    copy(Path::new("static"), &sources).map_err(io)?;
    let stamp = work.join("installed");
    if fs::read(&stamp).ok().as_ref() != Some(&lock) {
        let flags =
            ["--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund", "--prefer-offline"];
        npm(work, &[&["ci"], flags.as_slice()].concat())?;
        fs::write(&stamp, &lock).map_err(io)?;
    }
    let outdir = format!("--outdir={}", assets.display());
    npm(work, &["run", "--silent", "build", "--", &outdir])
}

fn npm(work: &Path, arguments: &[&str]) -> Result<(), String> {
    let output =
        Command::new("npm").args(arguments).current_dir(work).output().map_err(|error| {
            format!(
                "npm cannot be started ({error}).\n\
             Install Node.js 20 or newer, or set PATIO_ASSETS to a folder made by `npm run build`."
            )
        })?;
    if output.status.success() {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(format!("npm {} failed:\n{errors}", arguments.join(" ")))
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Writes the codes and their emoji, sorted by code, as the elements of a slice. `script/emoji.mjs`
/// describes the lines.
fn write_shortcodes(assets: &Path, target: &Path) -> io::Result<()> {
    let data = fs::read_to_string(assets.join("emoji/en.txt"))?;
    let mut codes = Vec::new();
    for line in data.lines() {
        let fields: Vec<&str> = line.split('|').collect();
        let [_, emoji, _, _, names, _] = fields.as_slice() else {
            return Err(io::Error::other(format!("{line} is no emoji")));
        };
        codes.extend(names.split(',').map(|name| (name, *emoji)));
    }
    codes.sort_unstable();
    fs::write(target, format!("&{codes:?}"))
}

/// Writes a Brotli copy next to each file that is not compressed already.
fn compress(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            compress(&path)?;
        } else if path.extension().is_none_or(|extension| extension != "woff2") {
            let mut packed = Vec::new();
            let parameters = brotli::enc::BrotliEncoderParams::default();
            brotli::BrotliCompress(&mut fs::File::open(&path)?, &mut packed, &parameters)?;
            let mut name = path.into_os_string();
            name.push(".br");
            fs::write(name, packed)?;
        }
    }
    Ok(())
}
