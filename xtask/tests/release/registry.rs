//! A registry on the loopback interface: a sparse index, downloads and uploads, kept in memory.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

#[derive(Default)]
struct Shelf {
    /// The lines of the index, by crate.
    index: BTreeMap<String, Vec<Value>>,
    files: BTreeMap<String, Vec<u8>>,
    /// What was uploaded, in order.
    uploads: Vec<String>,
    /// How many more uploads are answered; the next one is stored and never answered.
    answers: Option<usize>,
}

/// Serves until the process ends.
pub struct Registry {
    address: String,
    shelf: Arc<Mutex<Shelf>>,
    unanswered: Receiver<()>,
}

impl Registry {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let shelf = Arc::<Mutex<Shelf>>::default();
        let (left, unanswered) = channel();
        let (shelf_there, address_there) = (Arc::clone(&shelf), address.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (shelf, address, left) = (Arc::clone(&shelf_there), address_there.clone(), left.clone());
                std::thread::spawn(move || serve(stream.unwrap(), &shelf, &address, &left));
            }
        });
        Self { address, shelf, unanswered }
    }

    /// What cargo has to know as the registry's index.
    pub fn index(&self) -> String {
        format!("sparse+{}/index/", self.address)
    }

    /// Names and versions in the order of their upload.
    pub fn uploads(&self) -> Vec<String> {
        self.shelf.lock().unwrap().uploads.clone()
    }

    /// The upload after so many more is stored but never answered.
    pub fn answer_only(&self, uploads: usize) {
        self.shelf.lock().unwrap().answers = Some(uploads);
    }

    /// Waits for the upload that is not answered; answers all after it.
    pub fn wait_for_unanswered(&self) {
        self.unanswered.recv().unwrap();
        self.shelf.lock().unwrap().answers = None;
    }

    pub fn yank(&self, name: &str, version: &str) {
        let mut shelf = self.shelf.lock().unwrap();
        let line = shelf.index.get_mut(name).unwrap().iter_mut().find(|line| line["vers"] == version).unwrap();
        line["yanked"] = json!(true);
    }

    /// Forgets everything.
    pub fn clear(&self) {
        *self.shelf.lock().unwrap() = Shelf::default();
    }
}

fn serve(stream: TcpStream, shelf: &Mutex<Shelf>, address: &str, left: &Sender<()>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = String::new();
    while reader.read_line(&mut head).unwrap_or(0) > 2 {}
    let mut words = head.split_whitespace();
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    if head.to_lowercase().contains("expect: 100-continue") {
        (&stream).write_all(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap();
    }
    reader.read_exact(&mut body).unwrap();
    let reply = match (method, path) {
        ("GET", "/index/config.json") => {
            Some(json!({"dl": format!("{address}/dl/{{crate}}/{{version}}"), "api": address}).to_string().into_bytes())
        }
        ("PUT", "/api/v1/crates/new") => {
            if !shelf.lock().unwrap().take(&body) {
                left.send(()).unwrap();
                std::thread::park();
            }
            Some(
                json!({"warnings": {"invalid_categories": [], "invalid_badges": [], "other": []}})
                    .to_string()
                    .into_bytes(),
            )
        }
        _ => shelf.lock().unwrap().read(path),
    };
    let (status, body) = match reply {
        Some(body) => ("200 OK", body),
        None => ("404 Not Found", Vec::new()),
    };
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    (&stream).write_all(head.as_bytes()).unwrap();
    (&stream).write_all(&body).unwrap();
}

impl Shelf {
    fn read(&self, path: &str) -> Option<Vec<u8>> {
        if let Some(file) = path.strip_prefix("/dl/") {
            return self.files.get(file).cloned();
        }
        let lines = self.index.get(path.rsplit('/').next()?)?;
        Some(lines.iter().map(|line| format!("{line}\n")).collect::<String>().into_bytes())
    }

    /// Stores an upload: two lengths, each before its part, metadata and package. Whether it is to be answered.
    fn take(&mut self, body: &[u8]) -> bool {
        let (metadata, rest) = part(body);
        let (package, _) = part(rest);
        let metadata: Value = serde_json::from_slice(metadata).unwrap();
        let dependencies: Vec<Value> = metadata["deps"].as_array().unwrap().iter().map(indexed).collect();
        let (name, version) = (metadata["name"].as_str().unwrap(), metadata["vers"].as_str().unwrap());
        let lines = self.index.entry(name.to_owned()).or_default();
        assert!(lines.iter().all(|line| line["vers"] != version), "{name} {version} was uploaded twice");
        let mut checksum = String::new();
        for byte in Sha256::digest(package) {
            write!(checksum, "{byte:02x}").unwrap();
        }
        lines.push(json!({
            "name": name, "vers": version, "deps": dependencies, "cksum": checksum, "features": metadata["features"], "yanked": false,
        }));
        self.files.insert(format!("{name}/{version}"), package.to_vec());
        self.uploads.push(format!("{name} {version}"));
        match &mut self.answers {
            Some(0) => false,
            Some(answers) => {
                *answers -= 1;
                true
            }
            None => true,
        }
    }
}

fn part(bytes: &[u8]) -> (&[u8], &[u8]) {
    let (length, rest) = bytes.split_first_chunk().unwrap();
    rest.split_at(u32::from_le_bytes(*length) as usize)
}

/// A dependency as the index has it.
fn indexed(dependency: &Value) -> Value {
    let mut line = dependency.clone();
    line["req"] = line["version_req"].take();
    line
}
