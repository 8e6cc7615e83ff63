"""Every public name of the room is there and says what it is."""

import harken.sound


def test_every_public_name_is_there_and_described():
    assert sorted(harken.sound.__all__) == sorted(set(harken.sound.__all__))
    for name in harken.sound.__all__:
        assert getattr(harken.sound, name).__doc__ or name.isupper()
