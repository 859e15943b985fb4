# Generated from src_modules/10_optimizers.py. Do not edit: write in src_modules/10_optimizers.py instead;
# `pytest --checkpoint` and `tito export` renew it, and keep an edit of it aside.
# export: format=1 source=0b7402877880f5e3 code=broken content=826a0775ce188977
raise SyntaxError('invalid syntax', ('src_modules/10_optimizers.py', 300, 1, '<<<<<<< HEAD'))
