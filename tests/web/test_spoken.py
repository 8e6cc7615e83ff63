from harken.web.spoken import Recording, Spoken


def test_spoken_do_not_pile_up():
    now = [0.0]
    spoken = Spoken(most_bytes=10, lives_s=60.0, clock=lambda: now[0])
    for n in range(4):
        spoken.keep(str(n), Recording("a", "audio/ogg", b"xxxx"))
    assert [spoken.get(str(n), room="a") is not None for n in range(4)] == [
        False,
        False,
        True,
        True,
    ]
    now[0] = 61.0
    assert spoken.get("3", room="a") is None


def test_a_recording_is_for_one_room():
    spoken = Spoken()
    spoken.keep("1", Recording("a", "audio/ogg", b"x"))
    assert spoken.get("1", room="b") is None
    assert spoken.get("2", room="a") is None
