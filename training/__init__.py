"""How the bundled model "vistas" is drawn, trained, judged and exported. Never needed to build or
run codesrc.
"""
