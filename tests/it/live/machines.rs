//! Several Patios that are one, connected by NATS (`script/nats script/postgres`): what reaches the clients of another one
//! by the bus alone. What also comes by polling is in `multi_process`, which runs both with and without a bus.

use serde_json::{Value, json};

use crate::support::{Api, Browser, Live, PASSWORD, Proxy, Server, Storage, eventually};

/// Ana acts through the first server, Luis listens at the second. `None` where there is no bus.
async fn connected() -> Option<(Server, Server, Api, Api, Live)> {
    if !Storage::has_bus() {
        return None;
    }
    let one = Server::start().await;
    let two = one.second().await;
    for server in [&one, &two] {
        eventually("the server is connected", async || {
            metric(server, "patio_bus_connected").await == 1
        })
        .await;
    }
    let ana = one.api("ana").await;
    let luis = one.api("luis").await.through(&two);
    let mut live = luis.live().await;
    live.until("ready").await;
    Some((one, two, ana, luis, live))
}

async fn metric(server: &Server, name: &str) -> i64 {
    let text = reqwest::get(server.url("/metrics")).await.expect("metrics");
    let text = text.text().await.expect("text");
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{name} in {text}"))
}

#[tokio::test]
async fn typing_reaches_those_who_have_the_room_open() {
    let Some((_one, _two, ana, _luis, mut live)) = connected().await else { return };
    live.open_room(1, None).await;
    let mut typist = ana.live().await;
    typist.open_room(1, None).await;
    typist.send(json!({"type": "typing", "room": 1})).await;
    let typing = live.until("typing").await;
    assert_eq!((&typing["room"], &typing["user"]["name"]), (&json!(1), &json!("ana")));
}

#[tokio::test]
async fn typing_in_a_room_one_may_not_read_reaches_no_one() {
    let Some((one, _two, ana, luis, mut live)) = connected().await else { return };
    let room = ana.post("/rooms", json!({"name": "secreto", "visibility": "private"})).await;
    luis.post("/join", json!({"code": room["code"]})).await;
    let id = room["id"].as_i64().expect("an id");
    live.open_room(id, None).await;
    let mut outsider = one.api("eva").await.live().await;
    outsider.until("ready").await;
    outsider.send(json!({"type": "typing", "room": id})).await;
    // Ana, who may read it, comes second: what Eva sent has arrived, too.
    let mut typist = ana.live().await;
    typist.open_room(id, None).await;
    typist.send(json!({"type": "typing", "room": id})).await;
    let typing = live.until("typing").await;
    assert_eq!(typing["user"]["name"], "ana", "not eva");
    assert_eq!(live.until_now("typing").await, [] as [Value; 0]);
}

#[tokio::test]
async fn a_message_is_the_same_at_both_servers() {
    let Some((_one, two, ana, luis, mut live)) = connected().await else { return };
    live.open_room(1, None).await;
    let mut own = ana.live().await;
    own.open_room(1, None).await;
    let first = ana.say("un *patio* con @luis").await;
    let reply = json!({"body": "**sí**", "reply_to": first["id"]});
    luis.post("/rooms/1/messages", reply).await;
    let id = first["id"].as_i64().expect("an id");
    ana.send(reqwest::Method::PUT, &format!("/messages/{id}/reactions/👍"), None).await;
    ana.send(reqwest::Method::DELETE, &format!("/messages/{id}"), None).await;
    let mut frames = [Vec::new(), Vec::new()];
    for (live, frames) in [&mut own, &mut live].into_iter().zip(&mut frames) {
        while frames.len() < 4 {
            let mut frame = live.until("message").await;
            // Only its author gets it.
            frame["message"].as_object_mut().expect("a message").remove("nonce");
            frames.push(frame);
        }
    }
    let [here, there] = frames;
    assert_eq!(here, there);
    assert!(metric(&two, "patio_bus_received_total").await >= 3);
}

#[tokio::test]
async fn what_is_not_signed_is_ignored() {
    let Some((one, two, ana, _luis, mut live)) = connected().await else { return };
    live.open_room(1, None).await;
    let url = std::env::var_os("PATIO_TEST_NATS").expect("a server").into_string().expect("text");
    let stranger = async_nats::connect(url).await.expect("a connection");
    let subject = format!("{}.v1.messages", one.storage().bus_prefix());
    let mut notes = stranger.subscribe(subject).await.expect("a subscription");
    stranger.flush().await.expect("subscribed");
    ana.say("hola").await;
    let note = async { futures_util::StreamExt::next(&mut notes).await.expect("a note") };
    let note = crate::support::within("a note", note).await;
    assert_eq!(live.until("message").await["message"]["body"], "hola");
    // A copy under another topic, and one that was changed.
    let topic = note.subject.replace("messages", "changes");
    stranger.publish(topic, note.payload.clone()).await.expect("published");
    let mut changed = note.payload.to_vec();
    changed[0] ^= 1;
    stranger.publish(note.subject, changed.into()).await.expect("published");
    stranger.flush().await.expect("published");
    for server in [&one, &two] {
        eventually("both are refused", async || {
            metric(server, "patio_bus_refused_total").await == 2
        })
        .await;
    }
}

#[tokio::test]
async fn who_is_online_is_the_same_at_all_servers() {
    let Some((mut one, two, ana, luis, mut live)) = connected().await else { return };
    let online = async |api: &Api| {
        let users = api.get("/users").await;
        let users = users["items"].as_array().expect("users").clone();
        let online = users.into_iter().filter(|user| user["online"] == true);
        online.map(|user| user["name"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    let mut at_one = ana.live().await;
    at_one.until("ready").await;
    loop {
        let presence = live.until("presence").await;
        if presence["user"] == 1 {
            assert_eq!(presence["online"], true);
            break;
        }
    }
    for api in [&ana, &luis.through(&one), &ana.through(&two), &luis] {
        eventually("both are online", async || online(api).await == ["ana", "luis"]).await;
    }
    // A server that starts later asks the others.
    let three = two.second().await;
    let ana_at_three = ana.through(&three);
    eventually("both are online", async || online(&ana_at_three).await == ["ana", "luis"]).await;
    // One that ends reports it, but its users have time to come back.
    one.stop().await;
    drop(at_one);
    assert_eq!(online(&luis).await, ["ana", "luis"]);
    two.advance(std::time::Duration::from_secs(31));
    eventually("ana is gone", async || online(&luis).await == ["luis"]).await;
}

/// A server on the same database whose way to NATS can be cut, and its own storage for files.
async fn behind_proxy(one: &Server) -> (Server, Proxy) {
    let url = std::env::var_os("PATIO_TEST_NATS").expect("a server").into_string().expect("text");
    let address = url.rsplit('/').next().expect("an address");
    let proxy = Proxy::before(address.parse().expect("an address"));
    let is_kept =
        |flag: &String| ["--nats-prefix", "--storage-url"].iter().any(|f| flag.starts_with(f));
    let mut flags: Vec<String> = one.storage().flags().into_iter().filter(is_kept).collect();
    flags.push(format!("--nats-url=nats://{}", proxy.address));
    let directory = tempfile::tempdir().expect("a directory");
    let storage = one.storage().with_directory(directory).with_files(flags);
    let two = Server::on_storage(storage).await;
    eventually("the server is connected", async || metric(&two, "patio_bus_connected").await == 1)
        .await;
    (two, proxy)
}

#[tokio::test]
async fn who_is_online_may_be_out_of_date_while_the_bus_is_away() {
    let Some((one, _two, ana, ..)) = connected().await else { return };
    let (three, proxy) = behind_proxy(&one).await;
    let mut browser = three.browser();
    let gaps =
        async |browser: &mut Browser| browser.get("/people").await.all("#presence-gap").len();
    browser.login("ana", PASSWORD).await;
    assert_eq!(gaps(&mut browser).await, 0);
    proxy.cut();
    eventually("it is away", async || metric(&three, "patio_bus_connected").await == 0).await;
    assert_eq!(gaps(&mut browser).await, 1);
    proxy.open();
    eventually("it is back", async || metric(&three, "patio_bus_connected").await == 1).await;
    assert_eq!(gaps(&mut browser).await, 0);
    drop(ana);
}

#[tokio::test]
async fn what_the_bus_does_not_bring_is_counted_as_repaired() {
    let Some((one, _two, ana, ..)) = connected().await else { return };
    let (three, proxy) = behind_proxy(&one).await;
    let mut browser = one.browser();
    browser.login("ana", PASSWORD).await;
    let mut live = ana.live().await;
    live.open_room(1, None).await;
    let elsewhere = ana.through(&three);
    elsewhere.say("con NATS").await;
    assert_eq!(live.until("message").await["message"]["body"], "con NATS");
    proxy.cut();
    elsewhere.say("sin NATS").await;
    assert_eq!(live.until("message").await["message"]["body"], "sin NATS");
    // Counted when the notice has not come after two seconds.
    eventually("it is counted once", async || {
        let page = browser.get("/admin/machines").await;
        let mut repaired = page.all("#machines td:last-child");
        repaired.sort();
        repaired == ["0", "0", "1"]
    })
    .await;
}
