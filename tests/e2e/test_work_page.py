"""The work page: sign in, sell to «valid», accept, hand over, take over, deliver; in words for people."""

from __future__ import annotations

import io
import re

import pypdfium2
import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Page, expect

from tests.e2e.conftest import PHONE, Installation, Opened
from tests.e2e.desk import (
    accept,
    fetch_sheet,
    fresh_number,
    loaded,
    offer,
    picture,
    put_on_list,
    reserve,
)

COUNTER, ROUND_17, HALL, ROUND_12 = "1-1", "1-5", "1-4", "2-11"
FORBIDDEN = re.compile(r"\b(hash|gas|wallet)\b", re.IGNORECASE)


def sell(page: Page, count: int) -> list[str]:
    """Sells Signals until all are valid; their numbers."""
    reserve(page, count)
    fetch_sheet(page)
    page.get_by_role("button", name="These came out: sell them").click()
    stamps = page.locator("section").filter(has_text="The stamps").locator("li")
    expect(stamps).to_have_count(count)
    expect(stamps.locator(".tag.good")).to_have_count(count, timeout=15_000)
    return [stamp.locator(".number").inner_text() for stamp in stamps.all()]


def label_code(page: Page, number: str) -> str:
    """What the QR on the item's printed label says."""
    page.goto(f"/work/scan?text={number}")
    link = page.get_by_role("link", name="Label").get_attribute("href") or ""
    pdf = page.request.get(link).body()
    with pypdfium2.PdfDocument(pdf) as document:
        image = document[0].render(scale=300 / 72).to_pil()
    texts = [code.text for code in zxingcpp.read_barcodes(image)]
    assert number in texts
    return next(text for text in texts if "/T/" in text)


@pytest.fixture
def counter(sign_in: Opened) -> Page:
    return sign_in("clerk 1", "clerk", COUNTER, "1-2", "1-3")


@pytest.fixture
def round_17(sign_in: Opened) -> Page:
    return sign_in("clerk 2", "clerk", ROUND_17, HALL, "1-6")


def test_link_works_once_and_a_look_does_not_use_it_up(
    posthorn: Installation, open_page: Opened
) -> None:
    link = posthorn.sign_in_link("clerk 1", "clerk")
    open_page(link)  # as a mail program's preview does
    page = open_page(link)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile("/work$"))
    again = open_page(link)
    again.get_by_role("button", name="Sign in").click()
    expect(again.locator("main")).to_contain_text("used before")


def test_pages_for_the_signed_in_ask_others_to_sign_in(open_page: Opened) -> None:
    for path in ("/work", "/audit", "/people"):
        page = open_page(path)
        expect(page.get_by_role("heading", level=1)).to_have_text("Please sign in")
        expect(page.locator("main")).to_contain_text("Open the sign-in link")
        expect(page.get_by_role("main").get_by_role("link", name="Work page")).to_have_count(0)


def test_sells_three_stamps_until_they_are_valid(counter: Page) -> None:
    """J1: reserve, print, look, put on the record; «being recorded», then «valid» by itself."""
    counter.keyboard.press("F2")
    counter.get_by_text("Signals").click()
    counter.get_by_label("How many?").fill("3")
    expect(counter.locator("[data-total]")).to_have_text("EUR 9.00")
    counter.get_by_role("button", name="Reserve and print").click()
    sell_them = counter.get_by_role("button", name="These came out: sell them")
    expect(counter.get_by_text("Not printed yet")).to_be_visible()
    expect(sell_them).to_have_count(0)
    picture(counter, "job-reserved")
    with counter.expect_popup() as sheet:
        counter.get_by_role("button", name="Open the sheet (PDF)").click()
    sheet.value.close()
    expect(counter.get_by_text("The sheet was given out")).to_be_visible()
    expect(sell_them).to_be_visible()
    picture(counter, "job-printed")
    counter.get_by_role("button", name="These came out: sell them").click()
    expect(counter.get_by_role("heading", name="Receipt")).to_be_visible()
    expect(counter.locator(".total")).to_have_text("EUR 9.00")
    expect(counter.locator(".tag.good", has_text="valid")).to_have_count(3, timeout=15_000)


def test_every_code_of_the_sheet_says_valid_after_the_sale(
    counter: Page, open_page: Opened
) -> None:
    reserve(counter)
    path = counter.url + "/sheet"
    pdf = counter.request.post(path, form={}, headers={"Sec-Fetch-Site": "same-origin"}).body()
    with pypdfium2.PdfDocument(pdf) as document:
        image = document[0].render(scale=300 / 72).to_pil()
    (code,) = zxingcpp.read_barcodes(image)
    assert open_page(code.text).locator(".verdict .word").inner_text() == "Not sold"
    counter.get_by_role("button", name="These came out: sell them").click()
    expect(counter.locator(".tag.good", has_text="valid")).to_have_count(1, timeout=15_000)
    expect(open_page(code.text).locator(".verdict .word")).to_have_text("Valid")


def test_form_of_an_old_page_does_not_sell_what_was_never_printed(counter: Page) -> None:
    """S3: the page offers no button, and what is sent all the same is refused with what to do."""
    reserve(counter)
    headers = {"Sec-Fetch-Site": "same-origin"}
    answer = counter.request.post(
        counter.url, form={"good": counter_serial(counter)}, headers=headers
    )
    assert answer.status == 409
    assert "was never printed" in answer.text()
    assert "print it and look at what came out" in answer.text()


def counter_serial(page: Page) -> str:
    """The serial of the newest print job, as the work page names it."""
    page = page.context.new_page()
    page.goto("/work")
    note = page.locator(".note").filter(has_text="is not finished").last.inner_text()
    page.close()
    found = re.search(r"serials (\d+) to", note)
    assert found
    return found[1]


def test_job_of_which_nothing_came_out_has_no_receipt(counter: Page) -> None:
    reserve(counter, 2)
    counter.get_by_text("Nothing is to be printed").click()
    counter.get_by_role("button", name="Take them out of use, for ever").click()
    expect(counter.get_by_role("heading", level=1)).to_have_text("Nothing was sold")
    expect(counter.locator(".facts")).to_contain_text(
        re.compile(r"Out of use\s*1-1-\d{6} to 1-1-\d{6}")
    )
    expect(counter.locator("main")).not_to_contain_text("EUR")
    expect(counter.get_by_role("heading", name="The stamps")).to_have_count(0)
    picture(counter, "job-nothing")


def test_unfinished_print_job_comes_first_after_signing_in_again(
    counter: Page, sign_in: Opened
) -> None:
    """J8: power goes with the printer; the first screen asks which came out."""
    reserve(counter, 2)
    later = sign_in("clerk 1", "clerk", COUNTER, "1-2", "1-3")
    note = later.locator(".note").filter(has_text="is not finished").last
    note.get_by_role("link", name="Which came out?").click()
    fetch_sheet(later)
    later.locator("input[name=good]").first.uncheck()
    later.get_by_role("button", name="These came out: sell them").click()
    expect(later.locator(".facts")).to_contain_text(
        re.compile(r"Numbers\s*1-1-\d{6}\s*Out of use\s*1-1-\d{6}")
    )
    picture(later, "job-receipt")
    expect(later.locator(".total")).to_have_text("EUR 3.00")


def test_whole_way_from_the_counter_to_the_addressees_signature(
    counter: Page, round_17: Page, open_page: Opened
) -> None:
    """Accept with stamps and a delivery code, hand over, take over, and the addressee signs on a phone."""
    stamps = sell(counter, 3)
    number = fresh_number()
    counter.goto("/work/accept")
    counter.get_by_label("Number").fill(number)
    counter.get_by_label("Stamps on it").fill("\n".join(stamps))
    counter.get_by_label("Postage").fill("9.00")
    counter.get_by_label("Deliver against a code").check()
    counter.get_by_role("button", name="Accept", exact=True).click()
    expect(counter.get_by_role("status")).to_contain_text("Now strike the stamps")
    code = counter.locator(".total.code").inner_text()
    label = label_code(counter, number)

    put_on_list(counter, label)
    counter.get_by_label("Who takes it over?").select_option(ROUND_17)
    counter.keyboard.press("F9")
    expect(counter.locator(".note")).to_contain_text("Waiting for Round 17")

    round_17.goto("/work")
    round_17.locator("#take-over").get_by_role("link", name="Take over").last.click()
    round_17.get_by_role("button", name="Take over").click()
    expect(round_17.get_by_role("status")).to_contain_text("Taken over")
    expect(counter.locator(".note")).to_contain_text("Taken over")  # by itself
    expect(counter.get_by_role("button", name="Withdraw the list")).not_to_be_visible()

    phone = open_page(label, viewport=PHONE, is_mobile=True)
    until(phone, "With Round 17")
    phone.get_by_label("Your delivery code").fill(code)
    phone.get_by_role("button", name="Sign for it").click()
    picture = phone.get_by_role("img", name="Your signature as a code for the courier")
    expect(picture).to_be_visible()
    assert phone.get_by_label("Your delivery code").input_value() == ""
    (shown,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(loaded(picture))))

    round_17.goto("/work")
    round_17.get_by_label("Scan or type: item, stamp, list").fill(shown.text)
    round_17.keyboard.press("Enter")
    round_17.get_by_role("button", name="Hand it out and sign").click()
    phone.goto(label)
    until(phone, "Delivered on")
    for tick in ("signatures", "record", "story"):
        expect(phone.locator(f"[data-tick={tick}]")).to_have_attribute(
            "data-state", "holds", timeout=15_000
        )


def until(page: Page, sentence: str) -> None:
    """Loads the page again until it says so."""
    for _ in range(40):
        if sentence in page.get_by_role("heading", level=1).inner_text():
            return
        page.wait_for_timeout(250)
        page.reload()
    expect(page.get_by_role("heading", level=1)).to_contain_text(sentence)


def test_courier_takes_the_code_on_its_own_device(counter: Page, round_17: Page) -> None:
    """The browser signs with the code; the code itself is never sent."""
    number = fresh_number()
    counter.goto("/work/accept")
    counter.get_by_label("Number").fill(number)
    counter.get_by_label("Deliver against a code").check()
    counter.get_by_role("button", name="Accept", exact=True).click()
    code = counter.locator(".total.code").inner_text()
    hand_over(counter, round_17, number)
    bodies: list[str] = []
    round_17.on("request", lambda request: bodies.append(request.post_data or ""))
    round_17.get_by_label("The addressee types the delivery code here").fill(code)
    with round_17.expect_navigation():
        round_17.get_by_role("button", name="Deliver against the code").click()
    assert not any(code.replace(" ", "") in body.replace("+", "") for body in bodies)
    until(round_17, "Delivered on")


def test_what_can_be_done_with_an_item_follows_while_its_page_is_open(
    counter: Page, round_17: Page
) -> None:
    """The delivery form comes when the item does, without a reload, and works; what is being typed stays."""
    number = fresh_number()
    counter.goto("/work/accept")
    counter.get_by_label("Number").fill(number)
    counter.get_by_label("Deliver against a code").check()
    counter.get_by_role("button", name="Accept", exact=True).click()
    code = counter.locator(".total.code").inner_text()
    round_17.goto(f"/work/scan?text={number}")
    expect(round_17.get_by_role("heading", name="Is it here?")).to_be_visible()
    round_17.evaluate("window.isSamePage = true")
    beside = round_17.context.new_page()
    hand_over(counter, beside, number)
    beside.close()
    field = round_17.get_by_label("The addressee types the delivery code here")
    expect(field).to_be_visible(timeout=15_000)
    expect(round_17.get_by_role("heading", name="Is it here?")).to_have_count(0)
    assert round_17.evaluate("window.isSamePage")
    field.fill(code)
    round_17.get_by_role(
        "heading", name="Its way newest first"
    ).click()  # the focus goes, what was typed does not
    with round_17.expect_response(lambda found: found.url.endswith("/part"), timeout=15_000):
        pass
    expect(field).to_have_value(code)
    with round_17.expect_navigation():
        round_17.get_by_role("button", name="Deliver against the code").click()
    until(round_17, "Delivered on")


def hand_over(counter: Page, receiver: Page, number: str) -> None:
    """One item from the counter to round 17, recorded; the receiver's page shows the item."""
    receiver.goto(offer(counter, ROUND_17, number))
    receiver.get_by_role("button", name="Take over").click()
    expect(receiver.get_by_role("status")).to_contain_text("Taken over")
    receiver.goto(f"/work/scan?text={number}")
    until(receiver, "With Round 17")


def test_wrong_delivery_code_is_refused_with_what_to_do(counter: Page, round_17: Page) -> None:
    number = fresh_number()
    counter.goto("/work/accept")
    counter.get_by_label("Number").fill(number)
    counter.get_by_label("Deliver against a code").check()
    counter.get_by_role("button", name="Accept", exact=True).click()
    hand_over(counter, round_17, number)
    round_17.get_by_label("The addressee types the delivery code here").fill("0000 0000 0000")
    round_17.get_by_role("button", name="Deliver against the code").click()
    alert = round_17.get_by_role("alert")
    expect(alert).to_contain_text(f"not signed with the delivery code of item {number}.")
    expect(alert).to_contain_text("type it anew")


def test_typed_delivery_code_can_be_looked_at(counter: Page, round_17: Page) -> None:
    number = fresh_number()
    counter.goto("/work/accept")
    counter.get_by_label("Number").fill(number)
    counter.get_by_label("Deliver against a code").check()
    counter.get_by_role("button", name="Accept", exact=True).click()
    hand_over(counter, round_17, number)
    field = round_17.get_by_label("The addressee types the delivery code here")
    field.fill("ABCD")
    expect(field).to_have_attribute("type", "password")
    round_17.get_by_label("Show what is typed").check()
    expect(field).to_have_attribute("type", "text")
    expect(field).to_have_value("ABCD")
    picture(round_17, "item-show")
    round_17.get_by_label("Show what is typed").uncheck()
    expect(field).to_have_attribute("type", "password")


def test_missing_line_stays_and_a_finding_is_a_reservation(counter: Page, round_17: Page) -> None:
    """C2: what is not ticked stays with the giver; a condition found that differs is shown to both."""
    here, missing = fresh_number(), fresh_number()
    accept(counter, here)
    accept(counter, missing)
    round_17.goto(offer(counter, ROUND_17, here, missing))
    expect(round_17.get_by_role("heading", name="Untick what is missing")).to_be_visible()
    expect(round_17.get_by_role("button", name="Take over all 2")).to_be_visible()
    picture(round_17, "list-open")
    round_17.get_by_label(f"{missing} is there").uncheck()
    round_17.get_by_label(f"Condition found of {here}").select_option("wet")
    round_17.get_by_role("button", name="Take over 1 of 2").click()
    expect(round_17.get_by_role("status")).to_contain_text("Taken over")
    lines = round_17.locator("tbody tr")
    expect(lines.filter(has_text=here)).to_contain_text("wet under reservation")
    expect(lines.filter(has_text=missing)).to_contain_text("stays with Innsbruck 1, counter 1")
    picture(round_17, "list-taken")
    round_17.goto(f"/work/scan?text={here}")
    until(round_17, "With Round 17")
    expect(round_17.locator(".timeline")).to_contain_text("Given sound, found wet")
    expect(round_17.locator(".lead").first).to_contain_text("Innsbruck 1, counter 1")
    counter.goto(f"/work/scan?text={missing}")
    expect(counter.get_by_role("heading", level=1)).to_contain_text("With Innsbruck 1, counter 1")


def test_receiver_signs_on_the_givers_screen_with_name_and_pin(
    counter: Page, round_17: Page
) -> None:
    """B9: a receipt needs an act of the receiver."""
    round_17.get_by_text("Set my PIN").click()
    round_17.get_by_label("4 to 12 digits").fill("4711")
    round_17.get_by_role("button", name="Set", exact=True).click()
    expect(round_17.get_by_role("status")).to_contain_text("PIN is set")
    number = fresh_number()
    accept(counter, number)
    offer(counter, ROUND_17, number)
    counter.get_by_label("Name").fill("clerk 2")
    counter.get_by_label("PIN").fill("0000")
    counter.get_by_role("button", name="Take over").click()
    expect(counter.get_by_role("alert")).to_contain_text("Name and PIN are not those")
    counter.get_by_label("Name").fill("clerk 2")
    counter.get_by_label("PIN").fill("4711")
    counter.get_by_role("button", name="Take over").click()
    expect(counter.get_by_role("status")).to_contain_text("Taken over")


def test_refused_franking_names_the_stamp_and_keeps_the_form(counter: Page) -> None:
    """S4: all or nothing; a used stamp is answered with what to do, and nothing typed is lost."""
    number = fresh_number()
    counter.goto("/work/accept")
    counter.get_by_label("Number").fill(number)
    counter.get_by_label("Stamps on it").fill("1-1-000021")
    counter.get_by_role("button", name="Accept", exact=True).click()
    expect(counter.get_by_role("alert")).to_contain_text("Stamp 1-1-000021 was used before")
    assert counter.get_by_label("Number").input_value() == number


def test_wrong_check_digit_is_refused(counter: Page) -> None:
    counter.goto("/work/accept")
    counter.get_by_label("Number").fill("RR473124828AT")
    counter.get_by_role("button", name="Accept", exact=True).click()
    expect(counter.get_by_role("alert")).to_contain_text("check digit")


def test_lapsed_counter_is_refused_on_purpose(sign_in: Opened) -> None:
    """N3: counter 2's right lapsed yesterday."""
    page = sign_in("clerk 1", "clerk", "1-2", COUNTER, "1-3")
    note = page.locator(".note.stop")
    expect(note).to_contain_text("The right of Innsbruck 1, counter 2 to sign lapsed on")
    expect(note).to_contain_text("Sell stamps and Void stamps still work here")
    expect(note).to_contain_text("Ask the administrator of")
    expect(page.locator("nav.actions a")).to_have_count(2)
    picture(page, "lapsed-desk")
    page.goto("/work/scan?text=CP900001031AT")
    expect(page.get_by_role("button", name="Report", exact=True)).to_have_count(0)
    expect(page.locator(".note.stop")).to_contain_text("Whatever needs its signature is refused")
    page.goto("/work/accept")
    page.get_by_label("Number").fill(fresh_number())
    page.get_by_role("button", name="Accept", exact=True).click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Custodian Innsbruck 1, counter 2 (1-2) has no right to sign")


def test_report_offers_first_what_a_courier_can_see(round_17: Page, counter: Page) -> None:
    """The API takes every code; the page puts what nobody sees at a door behind «Other»."""
    number = "CP900001031AT"
    round_17.goto(f"/work/scan?text={number}")
    what = round_17.get_by_label("What?")
    own = what.locator("> option").all_inner_texts()
    assert "delivery attempted" in own
    assert not {"presented to customs", "addressee states: not received"} & set(own)
    assert "presented to customs" in what.locator("optgroup option").all_inner_texts()
    assert (
        "duty unpaid"
        not in round_17.get_by_label("Why?").first.locator("> option").all_inner_texts()
    )
    counter.goto(f"/work/scan?text={number}")
    own = counter.get_by_label("What?").locator("> option").all_inner_texts()
    assert "addressee states: not received" in own


def test_number_that_two_items_bear_asks_which_one(counter: Page) -> None:
    """J46: numbers are used again."""
    counter.get_by_label("Scan or type: item, stamp, list").fill("RR900001014AT")
    counter.keyboard.press("Enter")
    expect(counter.get_by_role("heading", level=1)).to_have_text("Which one?")
    expect(counter.get_by_role("link", name="This one")).to_have_count(2)


def test_unknown_number_begins_an_acceptance(counter: Page) -> None:
    number = fresh_number()
    counter.get_by_label("Scan or type: item, stamp, list").fill(number)
    counter.keyboard.press("Enter")
    expect(counter).to_have_url(re.compile("/work/accept"))
    assert counter.get_by_label("Number").input_value() == number


def test_wedge_scanner_on_a_french_keyboard_reads_a_stamp(counter: Page, open_page: Opened) -> None:
    """Keys are read by their place: a US scanner on a French machine garbles text, not places."""
    link = open_page("/").locator(".specimens a").first.get_attribute("href") or ""
    counter.evaluate(
        """text => {
            const codes = {"/": "Slash", ":": "Semicolon", ".": "Period"};
            const send = (code, shiftKey) => document.activeElement.dispatchEvent(
                new KeyboardEvent("keydown", {code, key: "é", shiftKey, bubbles: true, cancelable: true}));
            for (const c of text)
                send(codes[c] ?? (/[0-9]/.test(c) ? `Digit${c}` : `Key${c}`), /[A-Z:]/.test(c));
            send("Enter", false);
        }""",
        "HTTP://POST.EXAMPLE" + link,
    )
    expect(counter.locator(".verdict .word")).to_have_text("Good postage")


def test_locker_and_customs_see_their_own_buttons(sign_in: Opened) -> None:
    page = sign_in("clerk 4", "clerk", "3-8")
    expect(page.locator(".actions a")).to_have_text(
        ["Hand overF4", "Take overF6", "Pack or open a bagF9"]
    )


def test_what_was_done_bears_the_time_of_the_event(sign_in: Opened) -> None:
    """The demonstration was put in within a minute; its lists were handed over on many days."""
    hall = sign_in("clerk 2", "clerk", HALL, ROUND_17, "1-6")
    lines = hall.locator("section[aria-labelledby=queue] li")
    times = [one.get_attribute("datetime") or "" for one in lines.locator("time").all()]
    assert len({time[:10] for time in times}) > 1


def test_never_says_hash_gas_or_wallet(counter: Page) -> None:
    for path in ("", "/sell", "/accept", "/hand-over", "/cancel", "/void"):
        counter.goto("/work" + path)
        assert not FORBIDDEN.search(counter.locator("body").inner_text()), path


def test_sells_and_accepts_without_scripts(sign_in: Opened) -> None:
    page = sign_in("clerk 1", "clerk", COUNTER, "1-2", "1-3", java_script_enabled=False)
    page.goto("/work/sell")
    page.locator("input[name=edition]").first.check()
    page.get_by_role("button", name="Reserve and print").click()
    with page.expect_popup() as sheet:
        page.get_by_role("button", name="Open the sheet (PDF)").click()
    sheet.value.close()
    page.get_by_role("link", name="It is printed").click()
    page.get_by_role("button", name="These came out: sell them").click()
    expect(page.get_by_role("heading", name="Receipt")).to_be_visible()
    accept(page, fresh_number())


def test_sign_out_stands_in_line_with_its_neighbours(counter: Page) -> None:
    tops = counter.locator(".top nav a, .top nav button").evaluate_all(
        """all => all.map((one) => {
            const text = document.createRange();
            text.selectNodeContents(one);
            return text.getBoundingClientRect().top;
        })"""
    )
    assert len(tops) > 3
    assert max(tops) - min(tops) < 0.5, tops
